export { type DemoOptions, type DemoTable, startDemo } from './demo.ts';
export { formatSummary, type RoundSummary } from './summary.ts';
