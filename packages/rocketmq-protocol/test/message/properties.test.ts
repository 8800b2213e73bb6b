import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProperties, encodeProperties, isReservedProperty } from '@dt/rocketmq-protocol';

describe('properties', () => {
  it('writes the bytes Java writes', () => {
    expect(encodeProperties({ TAGS: 'TagA', KEYS: 'k1' })).toBe('TAGS\u0001TagA\u0002KEYS\u0001k1\u0002');
  });

  it('reads back what it writes', () => {
    const part = fc.string({ minLength: 1 }).filter((text) => !/[\u0001\u0002]/.test(text)); // eslint-disable-line no-control-regex -- the separators are control characters
    fc.assert(
      fc.property(fc.dictionary(part, part), (properties) => {
        expect({ ...decodeProperties(encodeProperties(properties)) }).toEqual({ ...properties });
      }),
    );
  });

  it('leaves out empty and undefined values', () => {
    expect(encodeProperties({ a: '', b: undefined, c: '1' })).toBe('c\u00011\u0002');
  });

  it('lets the last of two entries with one name win', () => {
    expect(decodeProperties('a\u00011\u0002b\u00012\u0002a\u00013\u0002')['a']).toBe('3');
  });

  it('skips entries without a value or shorter than three characters', () => {
    expect({
      ...decodeProperties('aaa\u0001\u0002a\u0001\u0002ab\u0002\u0002abc\u0002x\u0001y\u0002'),
    }).toEqual({ x: 'y' });
  });

  it('reads a text without the last separator', () => {
    expect(decodeProperties('a\u0001b')['a']).toBe('b');
  });

  it('refuses values that would forge other properties', () => {
    expect(() => encodeProperties({ a: 'x\u0002TAGS\u0001y' })).toThrow(/U\+0001/);
    expect(() => encodeProperties({ 'a\u0001b': 'x' })).toThrow(/U\+0001/);
  });

  it('knows the names that users may not set', () => {
    expect(isReservedProperty('UNIQ_KEY')).toBe(true);
    expect(isReservedProperty('__RMQ.TRANSIENT.x')).toBe(true);
    expect(isReservedProperty('traceparent')).toBe(false);
    expect(isReservedProperty('__SHARDINGKEY')).toBe(false);
  });
});
