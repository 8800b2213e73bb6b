import { type InboxMessage } from '@dt/outbox';
import { parseAmount } from '../wallet/index.ts';

/** The newest shape of body that the projections understand. */
const VERSION = 1;

/** A body that is not what its tag promises. Trying again does not help: it ends as a dead letter. */
export class MessageBodyError extends Error {
  override readonly name = 'MessageBodyError';
  readonly code = 'message-body';
  readonly retryable = false;
}

/** Reads fields of one body; every fault names the message and the field. */
export class Body {
  readonly #key: string;
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor({ messageKey, payload }: InboxMessage) {
    this.#key = messageKey;
    this.#fields = isRecord(payload) ? payload : {};
    const version = this.integer('version');
    if (version > VERSION) throw this.#wrong('version', `at most ${VERSION}`);
  }

  text(field: string): string {
    const value = this.#fields[field];
    if (typeof value !== 'string') throw this.#wrong(field, 'a text');
    return value;
  }

  integer(field: string): number {
    const value = this.#fields[field];
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.#wrong(field, 'a whole number');
    return value;
  }

  /** Minor units. */
  amount(field: string): bigint {
    const amountMinor = parseAmount(this.text(field));
    if (amountMinor === undefined) throw this.#wrong(field, 'an amount');
    return amountMinor;
  }

  #wrong(field: string, expected: string): MessageBodyError {
    const value = JSON.stringify(this.#fields[field]) ?? 'missing';
    return new MessageBodyError(
      `message ${this.#key}: ${field} is ${value.slice(0, 80)}; expected ${expected}`,
    );
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
