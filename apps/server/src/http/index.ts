export { sameText, sign, type SignatureVersion, type SignedRequest } from './auth/signature.ts';
export {
  checkListen,
  listen,
  ListenError,
  listenErrorCodes,
  type ListenErrorCode,
  type ListenOptions,
} from './listen.ts';
export type { HttpOptions, Readiness } from './parts.ts';
export { BetLimiter } from './rate-limit.ts';
export { DoorError, type DoorCode } from './refusal.ts';
export { buildHttp } from './server.ts';
