import { ProtocolError } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
import { parseFastjson } from './parse-fastjson.ts';

/**
 * Checked reading of a JSON object from a peer. Every accessor throws a ProtocolError that names the document
 * and the field; one with a default takes it for an absent or null field.
 */
export class JsonReader {
  readonly #object: JsonObject;
  readonly #where: string;

  constructor(value: JsonValue | undefined, where: string) {
    if (!isJsonObject(value)) throw new ProtocolError('body-malformed', `${where}: not an object`);
    this.#object = value;
    this.#where = where;
  }

  /** Parses a body. `where` names the document in errors. */
  static parse(body: Buffer, where: string): JsonReader {
    return new JsonReader(parseFastjson(body.toString('utf8')), where);
  }

  get keys(): string[] {
    return Object.keys(this.#object);
  }

  string(name: string, whenAbsent?: string): string {
    const value = this.#get(name, whenAbsent);
    if (typeof value !== 'string') throw this.#invalid(name, 'a text');
    return value;
  }

  /** An integer; also one written as text, as some clients do. */
  integer(name: string, whenAbsent?: number): number {
    return toInteger(this.#get(name, whenAbsent)) ?? this.#fail(name, 'an integer');
  }

  number(name: string, whenAbsent?: number): number {
    const value = this.#get(name, whenAbsent);
    if (typeof value !== 'number') throw this.#invalid(name, 'a number');
    return value;
  }

  boolean(name: string, whenAbsent?: boolean): boolean {
    const value = this.#get(name, whenAbsent);
    if (typeof value !== 'boolean') throw this.#invalid(name, 'true or false');
    return value;
  }

  strings(name: string): string[] {
    return this.#array(name).map((value) =>
      typeof value === 'string' ? value : this.#fail(name, 'a list of texts'),
    );
  }

  /** Absent reads as an empty list. */
  integers(name: string): number[] {
    return this.#array(name).map((value) => toInteger(value) ?? this.#fail(name, 'a list of integers'));
  }

  /** Absent reads as an empty list. */
  objects(name: string): JsonReader[] {
    return this.#array(name).map((value) => new JsonReader(value, `${this.#where}.${name}`));
  }

  object(name: string): JsonReader {
    return new JsonReader(this.#get(name), `${this.#where}.${name}`);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#object, name) && this.#object[name] !== null;
  }

  /** An object whose values are all texts; absent reads as empty. */
  stringMap(name: string): Record<string, string> {
    const map: Record<string, string> = {};
    if (!this.has(name)) return map;
    const reader = this.object(name);
    for (const key of reader.keys) define(map, key, reader.string(key));
    return map;
  }

  /** An object whose values are all integers; absent reads as empty. */
  integerMap(name: string): Record<string, number> {
    const map: Record<string, number> = {};
    if (!this.has(name)) return map;
    const reader = this.object(name);
    for (const key of reader.keys) define(map, key, reader.integer(key));
    return map;
  }

  #array(name: string): JsonValue[] {
    const value = this.#get(name, []);
    if (!Array.isArray(value)) throw this.#invalid(name, 'a list');
    return value;
  }

  #get(name: string, whenAbsent?: JsonValue): JsonValue {
    const value = Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
    if (value !== undefined && value !== null) return value;
    if (whenAbsent === undefined)
      throw new ProtocolError('body-malformed', `${this.#where}: ${name} is missing`);
    return whenAbsent;
  }

  #fail(name: string, expected: string): never {
    throw this.#invalid(name, expected);
  }

  #invalid(name: string, expected: string): ProtocolError {
    return new ProtocolError('body-malformed', `${this.#where}: ${name} is not ${expected}`);
  }
}

function toInteger(value: JsonValue): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,19}$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

/** Plain assignment of the key `__proto__` would set the prototype. */
function define<T>(map: Record<string, T>, key: string, value: T): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}
