export { Retention, type RetentionOptions } from './retention.ts';
export { type RetentionRun } from './sweep.ts';
