export { createLog, describeError, type Log, type LogLevel, type LogOptions } from './log.ts';
