export * from './acl/index.ts';
export * from './codes/index.ts';
/** One object a command, each with encoder and decoder of request and response. */
export * as commands from './commands/index.ts';
export * from './data/index.ts';
export { PROTOCOL_ERROR_CODES, ProtocolError, type ProtocolErrorCode } from './errors.ts';
export * from './frame/index.ts';
export * from './json/index.ts';
export * from './message/index.ts';
export * from './pop/index.ts';
export type { CommandCodec } from './commands/command-codec.ts';
