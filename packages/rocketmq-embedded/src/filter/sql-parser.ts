import { FilterSyntaxError } from './errors.ts';
import {
  and,
  between,
  condition,
  constant,
  equal,
  type Expression,
  hasPart,
  isNull,
  minus,
  not,
  notBetween,
  oneOf,
  or,
  ordered,
  property,
} from './sql-expression.ts';
import { SqlLexer, type Token } from './sql-lexer.ts';
import { integral } from './sql-values.ts';

/** Brackets, signs and NOT within each other. */
const MAX_NESTING = 128;
const MAX_LONG = 2n ** 63n - 1n;

/**
 * Reads the SQL92 dialect of RocketMQ, from OR down to what binds most. `!=` is no operator of it, and the text
 * behind a complete condition is not looked at.
 */
export class SqlParser {
  readonly #lexer: SqlLexer;
  #peeked: Token | undefined;
  #nesting = 0;

  constructor(text: string) {
    this.#lexer = new SqlLexer(text);
  }

  parse(): Expression {
    return condition(this.#or());
  }

  #or(): Expression {
    return this.#list('OR', () => this.#and(), or);
  }

  #and(): Expression {
    return this.#list('AND', () => this.#equality(), and);
  }

  #list(
    word: 'AND' | 'OR',
    part: () => Expression,
    join: (parts: readonly Expression[]) => Expression,
  ): Expression {
    const first = part();
    if (this.#peek().kind !== word) return first;
    const parts = [condition(first)];
    while (this.#accept(word)) parts.push(condition(part()));
    return join(parts);
  }

  #equality(): Expression {
    let left = this.#comparison();
    for (;;) {
      if (this.#accept('=')) left = equal(left, this.#comparison());
      else if (this.#accept('<>')) left = not(equal(left, this.#comparison()));
      else if (this.#accept('IS')) {
        const negated = this.#accept('NOT');
        this.#expect('NULL');
        left = negated ? not(isNull(left)) : isNull(left);
      } else return left;
    }
  }

  #comparison(): Expression {
    let left = this.#unary();
    for (;;) {
      const { kind } = this.#peek();
      switch (kind) {
        case '>':
        case '>=':
        case '<':
        case '<=':
          this.#next();
          left = ordered(left, kind, this.#unary());
          break;
        case 'NOT':
          this.#next();
          left = this.#predicate(left, false);
          break;
        case 'CONTAINS':
        case 'STARTSWITH':
        case 'ENDSWITH':
        case 'BETWEEN':
        case 'IN':
          left = this.#predicate(left, true);
          break;
        default:
          return left;
      }
    }
  }

  #predicate(left: Expression, wanted: boolean): Expression {
    const token = this.#next();
    switch (token.kind) {
      case 'CONTAINS':
      case 'STARTSWITH':
      case 'ENDSWITH':
        return hasPart(left, token.kind, this.#text(), wanted);
      case 'BETWEEN': {
        const low = this.#unary();
        this.#expect('AND');
        const high = this.#unary();
        return wanted ? between(left, low, high) : notBetween(left, low, high);
      }
      case 'IN': {
        this.#expect('(');
        const texts = [this.#text()];
        while (this.#accept(',')) texts.push(this.#text());
        this.#expect(')');
        return oneOf(left, texts, wanted);
      }
      default:
        throw unexpected(token);
    }
  }

  #unary(): Expression {
    if (this.#accept('+')) return this.#nested(() => this.#unary());
    if (this.#accept('-')) return minus(this.#nested(() => this.#unary()));
    if (this.#accept('NOT')) return not(condition(this.#nested(() => this.#unary())));
    return this.#primary();
  }

  #primary(): Expression {
    const token = this.#next();
    switch (token.kind) {
      case 'text':
        return constant(unquoted(token));
      case 'integer':
        return integer(token);
      case 'decimal':
        return decimal(token);
      case 'TRUE':
      case 'FALSE':
        return constant(token.kind === 'TRUE');
      case 'NULL':
        return constant(undefined);
      case 'name':
        return property(token.image);
      case '(': {
        const inner = this.#nested(() => this.#or());
        this.#expect(')');
        return inner;
      }
      default:
        throw unexpected(token);
    }
  }

  #text(): string {
    return unquoted(this.#expect('text'));
  }

  #nested(part: () => Expression): Expression {
    if (++this.#nesting > MAX_NESTING)
      throw new FilterSyntaxError(`more than ${MAX_NESTING} brackets and signs within each other`);
    const expression = part();
    this.#nesting--;
    return expression;
  }

  #peek(): Token {
    return (this.#peeked ??= this.#lexer.next());
  }

  #next(): Token {
    const token = this.#peek();
    this.#peeked = undefined;
    return token;
  }

  #accept(kind: Token['kind']): boolean {
    if (this.#peek().kind !== kind) return false;
    this.#peeked = undefined;
    return true;
  }

  #expect(kind: Token['kind']): Token {
    const token = this.#next();
    if (token.kind !== kind) throw unexpected(token);
    return token;
  }
}

function unquoted({ image }: Token): string {
  return image.slice(1, -1).replaceAll("''", "'");
}

function integer({ image }: Token): Expression {
  const value = BigInt(image.replace(/[lL]$/, ''));
  if (value > MAX_LONG) throw new FilterSyntaxError(`${image} is larger than ${MAX_LONG}`);
  return constant(integral(value));
}

/** RocketMQ takes neither 0.0 nor what is rounded to it. */
function decimal({ image }: Token): Expression {
  const value = Number(image);
  if (value === 0 || value === Number.POSITIVE_INFINITY)
    throw new FilterSyntaxError(`${image} is 0 or too large for a number with a fraction`);
  return constant(value);
}

function unexpected({ kind, image }: Token): FilterSyntaxError {
  return new FilterSyntaxError(
    kind === 'end' ? 'the expression ends too soon' : `${JSON.stringify(image)} stands in a wrong place`,
  );
}
