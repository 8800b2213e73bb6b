/** The codes a refusal of the business can carry on the wire. */
export type BusinessCode = 1000 | 2002 | 2003 | 2004 | 2005 | 2006 | 2007 | 2008 | 4004;

export interface BusinessErrorOptions {
  code: BusinessCode;
  httpStatus: number;
  /** The text clients know; goes out as it is. */
  message: string;
  /** For logs and the curious client; never secrets. */
  details?: Readonly<Record<string, unknown>>;
}

/**
 * A refusal by the rules: nothing of the request was done, and the same request will be refused again until
 * the state changes. Everything else that is thrown is a fault of the system (5000).
 */
export class BusinessError extends Error {
  override readonly name = 'BusinessError';
  readonly code: BusinessCode;
  readonly httpStatus: number;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  readonly retryable = false;

  constructor(options: BusinessErrorOptions) {
    super(options.message);
    this.code = options.code;
    this.httpStatus = options.httpStatus;
    this.details = options.details;
  }
}

type Details = Readonly<Record<string, unknown>>;

const refusal =
  (code: BusinessCode, httpStatus: number, message: string) =>
  (details?: Details): BusinessError =>
    new BusinessError({ code, httpStatus, message, ...(details === undefined ? {} : { details }) });

/** A parameter outside what the table allows; the text says which. */
export const badParameter = (message: string, details?: Details): BusinessError =>
  refusal(1000, 400, message)(details);
/** The same key with another body. */
export const duplicateRequest = refusal(2002, 409, '重复的请求');
export const balanceTooLow = refusal(2007, 400, '余额不足');
export const playerDisabled = refusal(1000, 400, '用户状态异常');
export const transactionNotFound = refusal(4004, 404, '交易不存在');
