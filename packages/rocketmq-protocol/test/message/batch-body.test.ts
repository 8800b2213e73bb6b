import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchEntryBytes, decodeBatchBody, encodeBatchBody, ProtocolError } from '@dt/rocketmq-protocol';

// Bytes computed by RocketMQ 5.3.0's own codec.
const GOLDEN = Buffer.from('0000001f0000000000000000000000070000000568656c6c6f00046b017602', 'hex');

describe('batch body', () => {
  it('is written byte by byte as RocketMQ 5.3.0 does', () => {
    expect(encodeBatchBody([{ flag: 7, body: Buffer.from('hello'), properties: { k: 'v' } }])).toEqual(
      GOLDEN,
    );
  });

  it('is read from the bytes of RocketMQ 5.3.0', () => {
    expect(decodeBatchBody(GOLDEN)).toEqual([
      { flag: 7, body: Buffer.from('hello'), propertiesText: 'k\u0001v\u0002' },
    ]);
  });

  it('reads back what it writes, and says the size beforehand', () => {
    const entry = fc.record({
      flag: fc.integer(),
      body: fc.uint8Array({ minLength: 1, maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
      properties: fc.constantFrom('', 'a\u0001b\u0002', '号\u0001值\u0002'),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 6 }), (entries) => {
        const bytes = encodeBatchBody(entries);
        const size = entries.reduce(
          (sum, { body, properties }) => sum + batchEntryBytes(body.length, Buffer.byteLength(properties)),
          0,
        );
        expect(bytes.length).toBe(size);
        expect(decodeBatchBody(bytes)).toEqual(
          entries.map(({ properties, ...rest }) => ({ ...rest, propertiesText: properties })),
        );
      }),
    );
  });

  it('refuses every cut, and any damage to the lengths', () => {
    for (let length = 1; length < GOLDEN.length; length++) {
      expect(() => decodeBatchBody(GOLDEN.subarray(0, length))).toThrow(ProtocolError);
    }
    for (const at of [0, 1, 2, 3, 16, 17, 18, 19, 25, 26]) {
      const damaged = Buffer.from(GOLDEN);
      damaged[at] = 0x7f;
      expect(() => decodeBatchBody(damaged)).toThrow(ProtocolError);
    }
  });
});
