import { FilterEvaluationError } from './errors.ts';

/** A whole number of Java: the size it was written in decides what is converted into what. */
export interface Integral {
  readonly type: 'Integer' | 'Long';
  readonly value: bigint;
}

/** `undefined` is the null of SQL; a number is a Double. Properties are texts, always. */
export type Value = string | boolean | number | Integral | undefined;
type Known = Exclude<Value, undefined>;

const LIMITS = {
  Integer: [-(2n ** 31n), 2n ** 31n - 1n],
  Long: [-(2n ** 63n), 2n ** 63n - 1n],
} as const;

export function isIntegral(value: Value): value is Integral {
  return typeof value === 'object';
}

export function isNumber(value: Value): value is number | Integral {
  return typeof value === 'number' || isIntegral(value);
}

export function integral(value: bigint): Integral {
  const [min, max] = LIMITS.Integer;
  return { type: value >= min && value <= max ? 'Integer' : 'Long', value };
}

export function negate(value: Value): Value {
  if (typeof value === 'number') return -value;
  return isIntegral(value) ? { ...value, value: -value.value } : undefined;
}

export function equals(left: Known, right: Known): boolean {
  if (typeof left !== 'string' || typeof right !== 'string') return compare(left, right) === 0;
  return left === right;
}

/** Negative, 0 or positive. Texts are converted to what they are compared with. */
export function compare(left: Known, right: Known): number {
  if (typeof left === 'string') return compareText(left, right);
  if (typeof left === 'boolean') {
    // Java casts the wrong one of the two here, so this comparison never succeeds.
    if (typeof right === 'string') throw new FilterEvaluationError('a truth value on the left of a text');
    return typeof right === 'boolean' ? Number(left) - Number(right) : -1;
  }
  if (typeof right === 'string') return compareNumbers(left, parseAs(left, right));
  return typeof right === 'boolean' ? -1 : compareNumbers(left, right);
}

/** Two texts have an order only as numbers. */
export function compareTextsAsNumbers(left: string, right: string): number {
  return compareNumbers(parseDouble(left), parseDouble(right));
}

function compareText(left: string, right: Known): number {
  if (typeof right === 'boolean') return Number(left.toLowerCase() === 'true') - Number(right);
  if (typeof right !== 'string') return compareNumbers(parseAs(right, left), right);
  return left === right ? 0 : left < right ? -1 : 1;
}

function parseAs(model: number | Integral, text: string): number | Integral {
  return typeof model === 'number' ? parseDouble(text) : parseIntegral(model.type, text);
}

function compareNumbers(left: number | Integral, right: number | Integral): number {
  if (typeof left !== 'number' && typeof right !== 'number')
    return left.value < right.value ? -1 : left.value > right.value ? 1 : 0;
  const a = typeof left === 'number' ? left : Number(left.value);
  const b = typeof right === 'number' ? right : Number(right.value);
  if (a < b) return -1;
  if (a > b) return 1;
  if (a === 0 && b === 0) return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
  // NaN equals itself and is greater than everything else.
  return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

function parseIntegral(type: Integral['type'], text: string): Integral {
  if (!/^[+-]?\d{1,40}$/.test(text)) throw notANumber(text);
  const value = BigInt(text.replace(/^\+/, ''));
  const [min, max] = LIMITS[type];
  if (value < min || value > max) throw notANumber(text);
  return { type, value };
}

const DECIMAL = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[fFdD]?$/;
const HEXADECIMAL = /^([+-]?)0[xX]([0-9a-fA-F]*)\.?([0-9a-fA-F]*)[pP]([+-]?\d+)[fFdD]?$/;
const SPECIAL: Record<string, number> = { NaN: Number.NaN, Infinity: Number.POSITIVE_INFINITY };

/** All that Java's Double.valueOf takes: blanks around it, a type letter behind it, hexadecimal ones, NaN. */
function parseDouble(text: string): number {
  // Blanks to Java are the control characters, too.
  // eslint-disable-next-line no-control-regex -- that is what trim() of Java removes
  const trimmed = text.replace(/^[\u0000-\u0020]+|[\u0000-\u0020]+$/g, '');
  const decimal = DECIMAL.exec(trimmed)?.[1];
  if (decimal !== undefined) return Number(decimal);
  const special = SPECIAL[trimmed.replace(/^[+-]/, '')];
  if (special !== undefined) return trimmed.startsWith('-') ? -special : special;
  const [, sign, whole = '', fraction = '', exponent] = HEXADECIMAL.exec(trimmed) ?? [];
  if (whole + fraction === '') throw notANumber(text);
  const magnitude = Number(BigInt(`0x${whole}${fraction}`)) * 2 ** (Number(exponent) - 4 * fraction.length);
  return sign === '-' ? -magnitude : magnitude;
}

function notANumber(text: string): FilterEvaluationError {
  return new FilterEvaluationError(`${JSON.stringify(text)} is not a number that fits`);
}
