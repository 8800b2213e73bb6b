import type { MessageProperties } from '@dt/rocketmq-protocol';
import { FilterEvaluationError, FilterSyntaxError } from './errors.ts';
import { compare, compareTextsAsNumbers, equals, negate, type Value } from './sql-values.ts';

export type Evaluate = (properties: MessageProperties) => Value;

/** A part of an expression. What it is made of decides where it may stand. */
export interface Expression {
  readonly kind: 'constant' | 'property' | 'truth' | 'number';
  readonly evaluate: Evaluate;
  /** Parts within parts, this one included. */
  readonly depth: number;
  /** Of a constant. */
  readonly value?: Value;
}

type Ordering = '>' | '>=' | '<' | '<=';

const MAX_DEPTH = 256;

export function constant(value: Value): Expression {
  return { kind: 'constant', evaluate: () => value, depth: 1, value };
}

export function property(name: string): Expression {
  return { kind: 'property', evaluate: (properties) => properties[name], depth: 1 };
}

/** The expression as a condition. A property alone is one that no text fulfils, not even `true`. */
export function condition(expression: Expression): Expression {
  if (expression.kind === 'truth' || isTruthConstant(expression)) return expression;
  if (expression.kind === 'property') {
    return truth([expression], (properties) =>
      expression.evaluate(properties) === undefined ? undefined : false,
    );
  }
  throw new FilterSyntaxError('a number or a text stands where a condition is needed');
}

/** True when one is, unknown when one is and none is true; the first that decides is the last one looked at. */
export function or(parts: readonly Expression[]): Expression {
  return junction(parts, true);
}

export function and(parts: readonly Expression[]): Expression {
  return junction(parts, false);
}

export function not(expression: Expression): Expression {
  return truth([expression], (properties) => {
    const value = expression.evaluate(properties);
    return value === undefined ? undefined : value !== true;
  });
}

export function minus(expression: Expression): Expression {
  const depth = checkedDepth([expression]);
  return { kind: 'number', depth, evaluate: (properties) => negate(expression.evaluate(properties)) };
}

export function equal(left: Expression, right: Expression): Expression {
  for (const side of [left, right]) {
    if (side.kind === 'constant' && side.value === undefined)
      throw new FilterSyntaxError('NULL cannot be compared, use IS NULL');
  }
  if (isTruthConstant(left) && right.kind === 'constant' && !isTruthConstant(right))
    throw new FilterSyntaxError('TRUE and FALSE cannot be compared with a number or a text');
  return same(left, right);
}

export function isNull(expression: Expression): Expression {
  return same(expression, constant(undefined));
}

export function ordered(left: Expression, operator: Ordering, right: Expression): Expression {
  for (const side of [left, right]) {
    const { kind, value } = side;
    const wrong = kind === 'constant' && typeof value !== 'number' && typeof value !== 'object';
    if (wrong || kind === 'truth')
      throw new FilterSyntaxError(`only numbers can be compared with ${operator}`);
  }
  return truth([left, right], (properties) => {
    const a = left.evaluate(properties);
    if (a === undefined) return undefined;
    const b = right.evaluate(properties);
    if (b === undefined) return undefined;
    const order =
      typeof a === 'string' && typeof b === 'string' ? compareTextsAsNumbers(a, b) : compare(a, b);
    switch (operator) {
      case '>':
        return order > 0;
      case '>=':
        return order >= 0;
      case '<':
        return order < 0;
      case '<=':
        return order <= 0;
    }
  });
}

export function between(expression: Expression, low: Expression, high: Expression): Expression {
  if (low.kind === 'constant' && high.kind === 'constant') {
    const { value: from } = low;
    const { value: to } = high;
    if (from === undefined || to === undefined) throw new FilterSyntaxError('BETWEEN takes no NULL');
    if (typeof from !== 'string' && typeof to !== 'string' && compare(to, from) < 0)
      throw new FilterSyntaxError('BETWEEN goes from the smaller to the larger number');
  }
  return and([ordered(expression, '>=', low), ordered(expression, '<=', high)]);
}

export function notBetween(expression: Expression, low: Expression, high: Expression): Expression {
  return or([ordered(expression, '<', low), ordered(expression, '>', high)]);
}

export function oneOf(expression: Expression, texts: readonly string[], wanted: boolean): Expression {
  if (expression.kind !== 'property') throw new FilterSyntaxError('only a property can be IN a list');
  const list = new Set(texts);
  return truth([expression], (properties) => {
    const value = expression.evaluate(properties);
    return typeof value === 'string' ? list.has(value) === wanted : undefined;
  });
}

const PARTS = {
  CONTAINS: (text: string, part: string) => text.includes(part),
  STARTSWITH: (text: string, part: string) => text.startsWith(part),
  ENDSWITH: (text: string, part: string) => text.endsWith(part),
};

/** False for a missing property and for an empty part, also when it is negated. */
export function hasPart(
  expression: Expression,
  where: keyof typeof PARTS,
  part: string,
  wanted: boolean,
): Expression {
  return truth([expression], (properties) => {
    const value = expression.evaluate(properties);
    return part !== '' && typeof value === 'string' && PARTS[where](value, part) === wanted;
  });
}

function same(left: Expression, right: Expression): Expression {
  return truth([left, right], (properties) => {
    const a = left.evaluate(properties);
    const b = right.evaluate(properties);
    if (a === undefined) return b === undefined ? true : undefined;
    return b !== undefined && equals(a, b);
  });
}

function junction(parts: readonly Expression[], decisive: boolean): Expression {
  return truth(parts, (properties) => {
    let unknown = false;
    for (const part of parts) {
      const value = part.evaluate(properties);
      if (value === decisive) return decisive;
      if (value === undefined) unknown = true;
    }
    return unknown ? undefined : !decisive;
  });
}

function truth(parts: readonly Expression[], evaluate: Evaluate): Expression {
  return { kind: 'truth', evaluate, depth: checkedDepth(parts) };
}

function checkedDepth(parts: readonly Expression[]): number {
  const depth = parts.reduce((deepest, part) => Math.max(deepest, part.depth), 0) + 1;
  if (depth > MAX_DEPTH) throw new FilterSyntaxError(`more than ${MAX_DEPTH} parts within parts`);
  return depth;
}

function isTruthConstant({ kind, value }: Expression): boolean {
  return kind === 'constant' && (typeof value === 'boolean' || value === undefined);
}

/** Whether a message fulfils the expression. Unknown is no, and so are values it cannot be applied to. */
export function fulfils(expression: Expression, properties: MessageProperties): boolean {
  try {
    return expression.evaluate(properties) === true;
  } catch (error) {
    if (error instanceof FilterEvaluationError) return false;
    throw error;
  }
}
