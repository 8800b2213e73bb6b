import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault, positionAt } from '../../src/config/json-syntax.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('findJsonFault', () => {
  it.each([
    ['{"a":1,}', 1, 8],
    ['{"a" 1}', 1, 6],
    ['{"a":1 "b":2}', 1, 8],
    ['{\n  "a": tru\n}', 2, 8],
    ['{"a":1}\n}', 2, 1],
    ["{'a':1}", 1, 2],
    ['[1,2', 1, 5],
    ['', 1, 1],
    ['{"a":"x\ny"}', 1, 6],
    ['{"a":01}', 1, 7],
    ['// note\n{}', 1, 1],
  ])('%j stops at line %i, column %i', (text, line, column) => {
    const fault = findJsonFault(text);
    expect(fault && positionAt(text, fault.offset)).toEqual({ line, column });
  });

  it('accepts what JSON.parse accepts', () => {
    fc.assert(fc.property(fc.json(), (text) => findJsonFault(text) === undefined));
  });

  it('agrees with JSON.parse on damaged texts', () => {
    const damaged = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.constantFrom('', ',', '}', '"', '\\', 'x', '-', '\n', '0'),
      )
      .map(
        ([text, at, insert]) =>
          text.slice(0, at % (text.length + 1)) + insert + text.slice((at % (text.length + 1)) + 1),
      );
    fc.assert(
      fc.property(damaged, (text) => (findJsonFault(text) === undefined) === isJson(text)),
      { numRuns: 1000 },
    );
  });

  it('gives up on a text that is nested without end, instead of running out of stack', () => {
    expect(findJsonFault('['.repeat(100_000))?.reason).toBe('nested too deeply');
  });
});
