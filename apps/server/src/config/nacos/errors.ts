export const nacosErrorCodes = ['nacos-away', 'nacos-denied', 'nacos-missing', 'nacos-refused'] as const;
export type NacosErrorCode = (typeof nacosErrorCodes)[number];

/** The document of settings cannot be had from Nacos. The message says what to do, and holds no secret. */
export class NacosError extends Error {
  override readonly name = 'NacosError';
  readonly code: NacosErrorCode;
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable: boolean;

  constructor(code: NacosErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'nacos-away';
  }
}
