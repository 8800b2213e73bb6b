import { badParameter } from './errors.ts';

const UNSTORABLE = /[\0\p{Surrogate}]/u;

/**
 * Refuses text that a table cannot keep as it is: too long (in bytes, as on the wire), a zero character, half a
 * surrogate pair. Each of them would make a fault of the system out of a client's mistake.
 * @throws BusinessError 1000
 */
export function checkText(field: string, value: string, { min = 1, max = 64 } = {}): void {
  const sizeBytes = Buffer.byteLength(value);
  if (sizeBytes < min || sizeBytes > max || UNSTORABLE.test(value)) {
    throw badParameter('invalid request', { field, sizeBytes, allowed: `${min} to ${max} bytes of text` });
  }
}

/** The text without what a table cannot keep, for records of what somebody sent. */
export function storableText(value: string): string {
  return value.replaceAll(new RegExp(UNSTORABLE, 'gu'), '\u{fffd}');
}
