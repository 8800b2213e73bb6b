import { FilterSyntaxError } from './errors.ts';

const KEYWORDS = [
  ...['NOT', 'AND', 'OR', 'BETWEEN', 'IN', 'TRUE', 'FALSE', 'NULL', 'IS'],
  ...['CONTAINS', 'STARTSWITH', 'ENDSWITH'],
] as const;
const OPERATORS = ['<>', '>=', '<=', '=', '>', '<', '(', ')', ',', '+', '-'] as const;

export type Keyword = (typeof KEYWORDS)[number];
export type Operator = (typeof OPERATORS)[number];

export interface Token {
  kind: Keyword | Operator | 'name' | 'text' | 'integer' | 'decimal' | 'end';
  /** As it stands in the expression. */
  image: string;
}

// A line comment without a line end is two signs and some names, as RocketMQ has it.
const BLANK = /(?:[ \t\n\r\f]+|--[^\n\r]*[\n\r]|\/\*[^*]*\*(?:\*|[^*/][^*]*\*)*\/)+/y;
const NAME = /[A-Za-z_$][A-Za-z0-9_$]*/y;
const TEXT = /'(?:''|[^'])*'/y;
const DECIMAL = /\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+/y;
const INTEGER = /0|[1-9]\d*[lL]?/y;

/**
 * Cuts an expression into tokens, one at a time and no further than the parser asks: what follows a complete
 * expression is never looked at, as in RocketMQ's own parser.
 */
export class SqlLexer {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  next(): Token {
    this.#take(BLANK);
    if (this.#at >= this.#text.length) return { kind: 'end', image: '' };
    const name = this.#take(NAME);
    if (name !== undefined) {
      const upper = name.toUpperCase();
      return { kind: KEYWORDS.find((keyword) => keyword === upper) ?? 'name', image: name };
    }
    const text = this.#take(TEXT);
    if (text !== undefined) return { kind: 'text', image: text };
    const decimal = this.#take(DECIMAL);
    if (decimal !== undefined) return { kind: 'decimal', image: decimal };
    const integer = this.#take(INTEGER);
    if (integer !== undefined) return { kind: 'integer', image: integer };
    const operator = OPERATORS.find((candidate) => this.#text.startsWith(candidate, this.#at));
    if (operator === undefined) {
      const found = JSON.stringify(this.#text.slice(this.#at, this.#at + 10));
      throw new FilterSyntaxError(`position ${this.#at}: ${found} is no part of an expression`);
    }
    this.#at += operator.length;
    return { kind: operator, image: operator };
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }
}
