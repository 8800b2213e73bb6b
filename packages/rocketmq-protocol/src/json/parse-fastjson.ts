import { ProtocolError } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';

/** Deeper documents do not occur; the limit keeps hostile ones from using up the stack. */
const MAX_DEPTH = 64;

/**
 * Parses JSON as RocketMQ's peers write it: beside standard JSON a map key may be a bare number
 * (`{0:"127.0.0.1:10911"}`) or an object (`{{"brokerName":"b","queueId":0,"topic":"T"}:17}`).
 * An object key becomes the text of that object with sorted keys and no blanks, the same text that
 * `canonicalJson` gives.
 */
export function parseFastjson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return new TolerantParser(text).parse();
  }
}

/** Compact JSON with sorted keys at every level. */
export function canonicalJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const entries = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
  return `{${entries.join(',')}}`;
}

class TolerantParser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): JsonValue {
    const value = this.#value();
    this.#blanks();
    if (this.#at < this.#text.length) throw this.#error('text behind the value');
    return value;
  }

  #value(): JsonValue {
    this.#blanks();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#nested(() => this.#object());
      case '[':
        return this.#nested(() => this.#array());
      case '"':
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > MAX_DEPTH) throw this.#error(`nested deeper than ${MAX_DEPTH}`);
    const value = parse();
    this.#depth--;
    return value;
  }

  #object(): JsonObject {
    const object = Object.create(null) as JsonObject;
    this.#at++;
    this.#blanks();
    if (this.#take('}')) return object;
    do {
      const key = this.#key();
      this.#expect(':');
      object[key] = this.#value();
      this.#blanks();
    } while (this.#take(','));
    this.#expect('}');
    return object;
  }

  #key(): string {
    this.#blanks();
    const first = this.#text[this.#at];
    if (first === '"') return this.#string();
    if (first === '{') return canonicalJson(this.#nested(() => this.#object()));
    const number = this.#match(/-?\d+/y);
    if (number === undefined) throw this.#error('a key is expected');
    return number;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    this.#at++;
    this.#blanks();
    if (this.#take(']')) return array;
    do {
      array.push(this.#value());
      this.#blanks();
    } while (this.#take(','));
    this.#expect(']');
    return array;
  }

  #string(): string {
    // The engine's parser does the escapes; the expression only finds the end.
    const literal = this.#match(/"[^"\\]*(?:\\.[^"\\]*)*"/sy);
    if (literal === undefined) throw this.#error('a text without an end');
    try {
      return JSON.parse(literal) as string;
    } catch {
      throw this.#error('a malformed text');
    }
  }

  #scalar(): JsonValue {
    const word = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y);
    if (word === undefined) throw this.#error('a value is expected');
    return JSON.parse(word) as JsonValue;
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #blanks(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at++;
  }

  #take(char: string): boolean {
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #expect(char: string): void {
    this.#blanks();
    if (!this.#take(char)) throw this.#error(`'${char}' is expected`);
  }

  #error(detail: string): ProtocolError {
    return new ProtocolError('body-malformed', `JSON at character ${this.#at}: ${detail}`);
  }
}
