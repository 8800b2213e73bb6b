/** What went wrong, as a word a caller can switch on. */
export type DragonTigerErrorCode =
  | 'card-invalid'
  | 'card-list-incomplete'
  | 'card-list-invalid'
  | 'bet-unknown'
  | 'stake-invalid'
  | 'suits-missing'
  | 'paytable-invalid'
  | 'player-edge'
  | 'number-invalid'
  | 'shoe-invalid';

/** Every refusal of this package. Nothing here does I/O, so trying again with the same input never helps. */
export class DragonTigerError extends Error {
  override readonly name = 'DragonTigerError';
  readonly code: DragonTigerErrorCode;
  readonly retryable = false;

  constructor(code: DragonTigerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
