import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileSql, FilterSyntaxError, MAX_EXPRESSION_LENGTH } from '../../src/filter/index.ts';

/** Expression, properties, and what the evaluator of RocketMQ 5.3.0 (rocketmq-filter) said to them. */
type Vector = [expression: string, properties: Record<string, string>, expected: boolean | 'invalid'];
const vectors = readFileSync(new URL('./sql-vectors.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Vector);

function evaluate(expression: string, properties: Record<string, string>): boolean | 'invalid' {
  try {
    return compileSql(expression)(properties);
  } catch (error) {
    if (error instanceof FilterSyntaxError) return 'invalid';
    throw error;
  }
}

describe('an SQL92 expression', () => {
  it('says what the evaluator of RocketMQ says', () => {
    const different = vectors.filter(
      ([expression, properties, expected]) => evaluate(expression, properties) !== expected,
    );
    expect(different).toEqual([]);
    expect(vectors.length).toBeGreaterThan(400);
  });

  it('is read or refused, whatever it is made of, and never fails on a message', () => {
    const words = [
      ...['a', 'b', 'TAGS', '1', '2.5', '-3', "'x'", "''", 'TRUE', 'NULL', 'NOT', 'AND', 'OR', 'IS', 'IN'],
      ...['BETWEEN', 'CONTAINS', 'ENDSWITH', '(', ')', ',', '=', '<>', '<', '>=', '+', '-', '--', '/*', '#'],
    ];
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...words), { maxLength: 12 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'TAGS'), fc.string()),
        (parts, properties) => {
          expect([true, false, 'invalid']).toContain(evaluate(parts.join(' '), properties));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is refused when it is longer than is allowed', () => {
    const longest = `a = '${'x'.repeat(MAX_EXPRESSION_LENGTH - 6)}'`;
    expect(evaluate(longest, {})).toBe(false);
    expect(evaluate(`${longest} `, {})).toBe('invalid');
  });

  it.each([
    ['brackets', '('.repeat(8000) + 'a = 1' + ')'.repeat(8000)],
    ['signs', `a = ${'- '.repeat(8000)}1`],
    ['negations', `${'NOT '.repeat(4000)}TRUE`],
    ['conditions of conditions', `a${" CONTAINS 'x'".repeat(1000)}`],
  ])('is refused when its %s go too deep', (_, expression) => {
    expect(() => compileSql(expression)).toThrow(FilterSyntaxError);
  });

  it('may list many conditions one after the other', () => {
    const many = Array.from({ length: 1200 }, (_, i) => `a = ${i}`).join(' OR ');
    expect(evaluate(many, { a: '1199' })).toBe(true);
    expect(evaluate(many, { a: '1200' })).toBe(false);
  });

  it('does not find what every object has', () => {
    const properties = Object.create(null) as Record<string, string>;
    expect(evaluate('constructor IS NULL', properties)).toBe(true);
  });
});
