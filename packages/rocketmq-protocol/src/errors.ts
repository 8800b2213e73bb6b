/** What was wrong with the bytes or values; the README says what each means. */
export const PROTOCOL_ERROR_CODES = [
  'frame-too-large',
  'frame-malformed',
  'header-malformed',
  'field-missing',
  'field-invalid',
  'body-malformed',
  'message-malformed',
] as const;

export type ProtocolErrorCode = (typeof PROTOCOL_ERROR_CODES)[number];

/**
 * Bytes that are not what the protocol says, or a value that cannot be written in its field.
 * Never retryable: the same input fails again.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;
  readonly retryable = false;

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
