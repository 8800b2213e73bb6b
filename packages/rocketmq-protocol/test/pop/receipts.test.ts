import {
  decodeBitSet,
  decodeMessageOffsets,
  decodeOrderCounts,
  decodeReceiptHandle,
  decodeStartOffsets,
  encodeBitSet,
  encodeMessageOffsets,
  encodeOrderCounts,
  encodeReceiptHandle,
  encodeStartOffsets,
  popRealTopic,
  popRetryOfTopic,
  popRetryTopic,
  type PopRetry,
} from '@dt/rocketmq-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

const handle = {
  startOffset: 10,
  popTime: 1_700_000_000_000,
  invisibleTimeMs: 60_000,
  reviveQueueId: 2,
  brokerName: 'broker-a',
};

describe('a receipt handle', () => {
  it.each([
    ['10 1700000000000 60000 2 0 broker-a 1 12', 'normal', 1],
    ['10 1700000000000 60000 2 1 broker-a 0 12', 'retry', 0],
    ['10 1700000000000 60000 2 2 broker-a 0 12', 'retryV2', 0],
  ] as const)('%j is written and read as Java does', (text, retry, queueId) => {
    const expected = { ...handle, retry, queueId, queueOffset: 12 };
    expect(encodeReceiptHandle(expected)).toBe(text);
    expect(decodeReceiptHandle(text)).toEqual(expected);
  });

  it.each([
    '',
    'x',
    '10 1700000000000 60000 2 0 broker-a 1',
    '10 1700000000000 60000 2 3 broker-a 1 12',
    '10 1700000000000 60000 2 0  1 12',
    '-1 1700000000000 60000 2 0 broker-a 1 12',
    '10 1700000000000 60000 2 0 broker-a 1 12 13',
    '10 9999999999999999 60000 2 0 broker-a 1 12',
  ])('%j is none', (text) => {
    expect(() => decodeReceiptHandle(text)).toThrow(/is no receipt handle/);
  });
});

describe('what an answer says of its queues', () => {
  it('is read as it is written', () => {
    expect(decodeStartOffsets('0 1 0;1 0 7')).toEqual([
      { retry: 'normal', queueId: 1, startOffset: 0 },
      { retry: 'retry', queueId: 0, startOffset: 7 },
    ]);
    expect(decodeMessageOffsets('0 1 0,1;2 0 5')).toEqual([
      { retry: 'normal', queueId: 1, offsets: [0, 1] },
      { retry: 'retryV2', queueId: 0, offsets: [5] },
    ]);
    expect(decodeOrderCounts('0 qo1%10 2;0 1 0')).toEqual([
      { retry: 'normal', queueId: 1, queueOffset: 10, count: 2 },
      { retry: 'normal', queueId: 1, count: 0 },
    ]);
    expect(decodeStartOffsets(undefined)).toEqual([]);
    expect(decodeMessageOffsets('')).toEqual([]);
  });

  it('comes back whatever it is', () => {
    const queue = {
      retry: fc.constantFrom<PopRetry>('normal', 'retry', 'retryV2'),
      queueId: fc.nat(100_000),
    };
    const offset = fc.nat(Number.MAX_SAFE_INTEGER);
    const starts = fc.array(fc.record({ ...queue, startOffset: offset }));
    const offsets = fc.array(fc.record({ ...queue, offsets: fc.array(offset, { minLength: 1 }) }));
    const counts = fc.array(
      fc.record(
        { ...queue, queueOffset: offset, count: fc.nat() },
        { requiredKeys: ['retry', 'queueId', 'count'] },
      ),
    );
    fc.assert(fc.property(starts, (a) => void expect(decodeStartOffsets(encodeStartOffsets(a))).toEqual(a)));
    fc.assert(
      fc.property(offsets, (a) => void expect(decodeMessageOffsets(encodeMessageOffsets(a))).toEqual(a)),
    );
    fc.assert(fc.property(counts, (a) => void expect(decodeOrderCounts(encodeOrderCounts(a))).toEqual(a)));
  });

  it.each(['0', '0 1', '0 1 x', '3 1 0', '0 1 0 0', '0 1 0;', '0 1 -1'])('%j is refused', (text) => {
    expect(() => decodeStartOffsets(text)).toThrow(/startOffsetInfo/);
    expect(() => decodeMessageOffsets(text)).toThrow(/msgOffsetInfo/);
    expect(() => decodeOrderCounts(text)).toThrow(/orderCountInfo/);
  });
});

describe('a bit set', () => {
  it('is written as Java writes it', () => {
    expect(encodeBitSet([0, 2, 9])).toBe('BQI=');
    expect(decodeBitSet('BQI=')).toEqual([0, 2, 9]);
    expect(encodeBitSet([])).toBe('');
    expect(decodeBitSet('')).toEqual([]);
  });

  it('comes back', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5000)), (bits) => {
        expect(decodeBitSet(encodeBitSet(bits))).toEqual([...bits].sort((a, b) => a - b));
      }),
    );
  });

  it('of impossible bits is refused', () => {
    expect(() => encodeBitSet([-1])).toThrow(/bits from 0/);
    expect(() => encodeBitSet([2 ** 31])).toThrow(/bits from 0/);
    expect(() => decodeBitSet('A'.repeat(1_000_000))).toThrow(/no bit set/);
    expect(() => decodeBitSet('not base64')).toThrow(/no bit set/);
  });
});

describe('the retry topic of a group that pops', () => {
  it('has the topic in its name', () => {
    expect(popRetryTopic('G', 'T')).toBe('%RETRY%G_T');
    expect(popRealTopic('T', 'G', 'normal')).toBe('T');
    expect(popRealTopic('T', 'G', 'retry')).toBe('%RETRY%G_T');
    expect(popRealTopic('T', 'G', 'retryV2')).toBe('%RETRY%G+T');
    expect(['T', '%RETRY%G_T', '%RETRY%G+T'].map(popRetryOfTopic)).toEqual(['normal', 'retry', 'retryV2']);
  });
});
