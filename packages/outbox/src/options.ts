import { type BackoffOptions } from './backoff.ts';
import { OutboxError } from './errors.ts';

/** An integer option within [min, max], or its default. */
export function integerOption(
  owner: string,
  name: string,
  value: number | undefined,
  fallback: number,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (value === undefined) return fallback;
  if (!Number.isInteger(value) || value < min || value > max) {
    const upper = max === Number.MAX_SAFE_INTEGER ? '' : ` and at most ${max}`;
    throw new OutboxError(
      'invalid-option',
      `${owner}: ${name} is ${value}, allowed is a whole number of at least ${min}${upper}`,
    );
  }
  return value;
}

/** Growing delays: the greatest is at least the first. */
export function backoffOption(
  owner: string,
  name: string,
  given: Partial<BackoffOptions> | undefined,
  defaults: BackoffOptions,
): BackoffOptions {
  const initialMs = integerOption(owner, `${name}.initialMs`, given?.initialMs, defaults.initialMs, 1);
  const defaultMaxMs = Math.max(initialMs, defaults.maxMs);
  return { initialMs, maxMs: integerOption(owner, `${name}.maxMs`, given?.maxMs, defaultMaxMs, initialMs) };
}

/** A name of 1 to `max` characters without control characters. */
export function nameOption(owner: string, name: string, value: string, max = 255): string {
  if (typeof value !== 'string' || value.length === 0 || value.length > max || /\p{Cc}/u.test(value)) {
    throw new OutboxError(
      'invalid-option',
      `${owner}: ${name} is ${JSON.stringify(value)}, allowed are 1 to ${max} characters without control characters`,
    );
  }
  return value;
}

export function choiceOption<T extends string>(
  owner: string,
  name: string,
  value: T,
  allowed: readonly T[],
): T {
  if (allowed.includes(value)) return value;
  throw new OutboxError(
    'invalid-option',
    `${owner}: ${name} is ${JSON.stringify(value)}, allowed are ${allowed.join(', ')}`,
  );
}

export function requireMethod(owner: string, name: string, value: unknown, method: string): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] !== 'function') {
    throw new OutboxError('invalid-option', `${owner}: ${name} has no method ${method}()`);
  }
}
