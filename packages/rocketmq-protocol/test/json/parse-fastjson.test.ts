import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, parseFastjson, ProtocolError, type JsonValue } from '@dt/rocketmq-protocol';

describe('parseFastjson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseFastjson(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('reads bare numbers as keys', () => {
    expect(parseFastjson('{"brokerAddrs":{0:"127.0.0.1:10911",-1:"x"}}')).toEqual({
      brokerAddrs: { '0': '127.0.0.1:10911', '-1': 'x' },
    });
  });

  it('reads objects as keys and writes them canonically', () => {
    const text = '{"offsetTable":{{"topic":"T","queueId":0,"brokerName":"broker-a"}:17}}';
    expect(parseFastjson(text)).toEqual({
      offsetTable: { '{"brokerName":"broker-a","queueId":0,"topic":"T"}': 17 },
    });
  });

  it('reads escapes, nesting and blanks beside bare keys', () => {
    expect(parseFastjson(' { 1 : [ "a\\"\\u0041" , null , true , -1.5e2 , { } , [ ] ] } ')).toEqual({
      '1': ['a"A', null, true, -150, {}, []],
    });
  });

  it('keeps the key __proto__ a key', () => {
    const value = parseFastjson('{1:{"__proto__":{"polluted":true}}}');
    expect(canonicalJson(value)).toBe('{"1":{"__proto__":{"polluted":true}}}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each(['', '{', '{1', '{1:', '{1:2', '{1:2}x', '{a:1}', '[1,]', '{1:"a', '{1:"\\x"}', '{{}:1', 'nul'])(
    'refuses %j with a ProtocolError',
    (text) => {
      expect(() => parseFastjson(text)).toThrow(ProtocolError);
    },
  );

  it('refuses what is nested too deeply', () => {
    expect(() => parseFastjson('00')).toThrow(ProtocolError);
    expect(() => parseFastjson(`{1:${'['.repeat(100)}${']'.repeat(100)}}`)).toThrow(/nested deeper/);
    expect(() => parseFastjson('{'.repeat(100_000))).toThrow(ProtocolError);
  });
});

describe('canonicalJson', () => {
  it('does not depend on the order of keys', () => {
    expect(canonicalJson({ b: 1, a: [{ d: null, c: 'x' }] })).toBe('{"a":[{"c":"x","d":null}],"b":1}');
  });

  it('writes what parses back', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.parse(JSON.stringify(value)) as JsonValue;
        expect(JSON.parse(canonicalJson(json))).toEqual(json);
      }),
    );
  });
});
