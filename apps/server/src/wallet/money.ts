/**
 * Money is whole minor units in a bigint everywhere but on the wire, where it is text with two decimals.
 * No float ever holds an amount.
 */

/** The one currency of this server. Minor units: 1/100. */
export const CURRENCY = 'CNY';

/** What fits a PostgreSQL `bigint`; every amount is checked against it at the door. */
export const MAX_AMOUNT_MINOR = 9_223_372_036_854_775_807n;

const AMOUNT = /^(?<whole>0|[1-9][0-9]*)(?:\.(?<cents>[0-9]{1,2}))?$/;

/**
 * Reads an amount as clients write it: digits, no sign, no leading zero, at most two decimals.
 *
 * @returns minor units (zero included: whether zero is allowed is the caller's rule), or undefined when the
 * text is not such a number or does not fit a `bigint` column.
 */
export function parseAmount(text: string): bigint | undefined {
  if (text.length > 32) return undefined;
  const groups = AMOUNT.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const minor = BigInt(groups['whole'] ?? '0') * 100n + BigInt((groups['cents'] ?? '').padEnd(2, '0'));
  return minor > MAX_AMOUNT_MINOR ? undefined : minor;
}

/** Writes minor units with exactly two decimals: `-5n` is `-0.05`. */
export function formatAmount(amountMinor: bigint): string {
  const digits = (amountMinor < 0n ? -amountMinor : amountMinor).toString().padStart(3, '0');
  return `${amountMinor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
