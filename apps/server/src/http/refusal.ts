/** Codes that the door itself answers with; those of the game are in `BusinessCode`. */
export type DoorCode = 1000 | 3000 | 3004 | 3005 | 3006 | 3007 | 3008 | 3010 | 4000 | 5000;

/** A request that is turned away before it reaches the game. Nothing was changed. */
export class DoorError extends Error {
  override readonly name = 'DoorError';
  readonly code: DoorCode;
  readonly httpStatus: number;
  readonly retryable: boolean;
  /** Seconds until another try makes sense; goes out as `Retry-After`. */
  readonly retryAfterSeconds: number | undefined;

  constructor(code: DoorCode, httpStatus: number, message: string, retryAfterSeconds?: number) {
    super(message);
    this.code = code;
    this.httpStatus = httpStatus;
    this.retryable = retryAfterSeconds !== undefined;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export const badRequest = (message: string): DoorError => new DoorError(1000, 400, message);
export const notFound = (): DoorError => new DoorError(1000, 404, 'not found');
export const unauthenticated = (message: string): DoorError => new DoorError(3000, 401, message);
export const badSignature = (): DoorError => new DoorError(3004, 401, '签名验证失败');
export const staleTimestamp = (): DoorError => new DoorError(3005, 401, '时间戳已过期');
export const usedNonce = (): DoorError => new DoorError(3006, 401, 'Nonce已被使用');
export const unknownPlatform = (): DoorError => new DoorError(3007, 401, '无效的平台');
export const disabledPlatform = (): DoorError => new DoorError(3008, 403, '平台已禁用');
export const addressNotAllowed = (): DoorError => new DoorError(3010, 403, 'IP不在白名单');
export const tooManyRequests = (retryAfterSeconds: number): DoorError =>
  new DoorError(4000, 429, '请求频率超限，请稍后重试', retryAfterSeconds);
export const systemBusy = (): DoorError => new DoorError(5000, 500, '系统繁忙，请稍后重试');
