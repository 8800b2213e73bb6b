import { DragonTigerError } from './errors.ts';

const AMOUNT = /^(-?)(0|[1-9]\d{0,17})(?:\.(\d{1,2}))?$/;

/** `25.5` -> 2550n. At most two decimals, no leading zeros, no plus sign, no exponent. */
export function parseMinor(text: string): bigint {
  const match = AMOUNT.exec(text);
  if (match?.[2] === undefined) {
    throw new DragonTigerError('number-invalid', `"${text}" is not an amount with up to 2 decimals`);
  }
  const minor = BigInt(match[2]) * 100n + BigInt((match[3] ?? '').padEnd(2, '0'));
  return match[1] === '-' ? -minor : minor;
}

/** 2550n -> `25.50`: the form of every amount on the wire. */
export function formatMinor(minor: bigint): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(3, '0');
  return `${minor < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`;
}
