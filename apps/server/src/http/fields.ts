import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { badRequest } from './refusal.ts';

/** Ids and keys, in UTF-8 bytes. */
export const MAX_ID_BYTES = 64;

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const unsafe = /[\u0000-\u001f\u007f]|\p{Surrogate}/u;

/**
 * The fields of a request, whichever way they came: JSON when the content type says so, else a form body over the
 * query. Unknown fields are never looked at.
 */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #isForm: boolean;

  constructor(values: Readonly<Record<string, unknown>>, isForm: boolean) {
    this.#values = values;
    this.#isForm = isForm;
  }

  /** '' when it is absent. @throws DoorError 1000 another type, or characters that no id has */
  text(name: string): string {
    const value = this.#values[name];
    if (value === undefined || value === null) return '';
    if (typeof value !== 'string') throw badRequest(`${name} must be a string`);
    return storableText(name, value);
  }

  /** Undefined when it is absent. @throws DoorError 1000 another type */
  integer(name: string): number | undefined {
    const value = this.#values[name];
    if (value === undefined || value === null || (this.#isForm && value === '')) return undefined;
    const number =
      this.#isForm && typeof value === 'string' && /^-?[0-9]{1,15}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number))
      throw badRequest(`${name} must be an integer`);
    return number;
  }
}

/** @throws DoorError 1000 the text has characters that no id has */
export function storableText(name: string, value: string): string {
  // The database cannot store NUL and half characters; control characters would forge log lines.
  if (unsafe.test(value)) throw badRequest(`${name} has characters that are not allowed`);
  return value;
}

/** @throws DoorError 1000 with `malformed` as its text when the body is not a JSON object */
export function readFields(request: FastifyRequest, malformed: string): Fields {
  const body = rawBody(request);
  if (isJson(request)) return new Fields(parseObject(body, malformed), false);
  return new Fields(formValues(request, body), true);
}

/** The bytes as they came; empty when there were none. */
export function rawBody(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

export function isJson(request: FastifyRequest): boolean {
  return request.headers['content-type']?.toLowerCase().includes('json') ?? false;
}

/** Form body over query; the first of several with one name counts. */
export function formValues(request: FastifyRequest, body: Buffer): Record<string, string> {
  const values: Record<string, string> = Object.create(null) as Record<string, string>;
  const isForm = request.headers['content-type']
    ?.toLowerCase()
    .startsWith('application/x-www-form-urlencoded');
  for (const source of [isForm === true ? body.toString('utf8') : '', queryOf(request.url)]) {
    if (source === '') continue;
    for (const [name, value] of new URLSearchParams(source)) values[name] ??= value;
  }
  return values;
}

function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at === -1 ? '' : url.slice(at + 1);
}

function parseObject(body: Buffer, malformed: string): Record<string, unknown> {
  // Bytes that are not UTF-8 would be replaced one by one, and two different keys become the same.
  if (!isUtf8(body)) throw badRequest(malformed);
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw badRequest(malformed);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest(malformed);
  return value as Record<string, unknown>;
}

export function longerThan(text: string, maxBytes: number): boolean {
  return text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes);
}
