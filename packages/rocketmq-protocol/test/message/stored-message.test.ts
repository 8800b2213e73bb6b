import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bodyCrc32,
  decodeStoredMessage,
  decodeStoredMessages,
  encodeStoredMessage,
  ProtocolError,
  type StoredMessageInput,
} from '@dt/rocketmq-protocol';

// Bytes computed by RocketMQ 5.3.0's own codec.
const GOLDEN = Buffer.from(
  '0000007bdaa320a73610a6860000000300000000000000000000000500000000000003e8000000000000018bcfe568007f0000010000c3500000018bcfe56864c0a8010200002a9f0000000000000000000000000000000568656c6c6f09546f706963546573740012544147530154616741024b455953016b3102',
  'hex',
);
const message: StoredMessageInput = {
  topic: 'TopicTest',
  queueId: 3,
  flag: 0,
  queueOffset: 5,
  physicalOffset: 1000,
  sysFlag: 0,
  bornTimestamp: 1700000000000,
  bornHost: { ip: '127.0.0.1', port: 50000 },
  storeTimestamp: 1700000000100,
  storeHost: { ip: '192.168.1.2', port: 10911 },
  reconsumeTimes: 0,
  preparedTransactionOffset: 0,
  body: Buffer.from('hello'),
  properties: { TAGS: 'TagA', KEYS: 'k1' },
};

describe('stored message', () => {
  it('is written byte by byte as RocketMQ 5.3.0 does', () => {
    expect(encodeStoredMessage(message)).toEqual(GOLDEN);
    expect(encodeStoredMessage({ ...message, properties: 'TAGS\u0001TagA\u0002KEYS\u0001k1\u0002' })).toEqual(
      GOLDEN,
    );
  });

  it('is read from the bytes of RocketMQ 5.3.0', () => {
    const got = decodeStoredMessage(GOLDEN);
    expect({ ...got, properties: { ...got.properties } }).toEqual({
      ...message,
      bodyCrc: 907060870,
      sizeBytes: 123,
    });
  });

  it('carries the CRC without the sign bit', () => {
    expect(bodyCrc32(Buffer.from('hello'))).toBe(907060870);
    expect(bodyCrc32(Buffer.from('a'))).toBe(0xe8b7be43 & 0x7fffffff);
  });

  it('takes the second form for a topic longer than 127 bytes', () => {
    const topic = 't'.repeat(128);
    const bytes = encodeStoredMessage({ ...message, topic });
    expect(bytes.readUInt32BE(4)).toBe(0xdaa320ab);
    expect(decodeStoredMessage(bytes).topic).toBe(topic);
  });

  it('reads back what it writes, IPv4 and IPv6 mixed', () => {
    const int64 = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    const ip = fc.oneof(
      fc.ipV4(),
      fc.constantFrom('::1', '::', '2001:db8::1', 'fe80::1:2:3', '1:2:3:4:5:6:7:8'),
    );
    const host = fc.record({ ip, port: fc.integer({ min: 0, max: 65535 }) });
    const input = fc.record({
      topic: fc.string({ minLength: 1, maxLength: 200 }),
      queueId: fc.nat(),
      flag: fc.integer(),
      queueOffset: int64,
      physicalOffset: int64,
      sysFlag: fc.constantFrom(0, 1, 4, 8, 0x301),
      bornTimestamp: int64,
      bornHost: host,
      storeTimestamp: int64,
      storeHost: host,
      reconsumeTimes: fc.nat(),
      preparedTransactionOffset: fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
      body: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
      properties: fc.constantFrom({}, { TAGS: 'a', 号: '值' }),
    });
    fc.assert(
      fc.property(fc.array(input, { maxLength: 4 }), (inputs) => {
        const got = decodeStoredMessages(Buffer.concat(inputs.map(encodeStoredMessage)));
        for (const [index, message] of got.entries()) {
          // Only the host bits of sysFlag may differ.
          expect(message).toMatchObject({ ...inputs[index], sysFlag: message.sysFlag });
          expect(message.sysFlag & ~0x30).toBe(inputs[index]?.sysFlag);
        }
        expect(got).toHaveLength(inputs.length);
      }),
    );
  });

  it('refuses every cut of a record', () => {
    for (let length = 1; length < GOLDEN.length; length++) {
      expect(() => decodeStoredMessages(GOLDEN.subarray(0, length))).toThrow(ProtocolError);
    }
  });

  it('answers any damage with a message or a ProtocolError, nothing else', () => {
    fc.assert(
      fc.property(fc.nat(GOLDEN.length - 1), fc.nat(255), (at, byte) => {
        const damaged = Buffer.from(GOLDEN);
        damaged[at] = byte;
        try {
          decodeStoredMessages(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('refuses properties longer than the length field carries', () => {
    expect(() => encodeStoredMessage({ ...message, properties: 'x'.repeat(32768) })).toThrow(/32768 bytes/);
  });
});
