export { Failures } from './failures.ts';
export { createLog, describeError, type Log, type LogLevel, type LogOptions } from './log.ts';
