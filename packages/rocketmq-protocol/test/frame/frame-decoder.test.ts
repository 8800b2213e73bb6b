import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createRequest,
  encodeCommand,
  FrameDecoder,
  ProtocolError,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 20 });
const command: fc.Arbitrary<RemotingCommand> = fc
  .record({
    code: fc.integer({ min: 0, max: 0x7fff }),
    opaque: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
    oneway: fc.boolean(),
    extFields: fc.dictionary(text, text, { maxKeys: 5 }),
    body: fc.uint8Array({ maxLength: 200 }),
  })
  .map(({ code, opaque, oneway, extFields, body }) =>
    createRequest(code, { extFields, body: Buffer.from(body) }, { opaque, oneway }),
  );

function cut(bytes: Buffer, points: number[]): Buffer[] {
  const sorted = [...new Set(points.map((point) => point % bytes.length))].sort((a, b) => a - b);
  return [0, ...sorted].map((from, index) => bytes.subarray(from, sorted[index] ?? bytes.length));
}

function plain(commands: RemotingCommand[]): unknown[] {
  return commands.map((entry) => ({
    ...entry,
    extFields: { ...entry.extFields },
    body: entry.body.toString('hex'),
  }));
}

describe('FrameDecoder', () => {
  it('gives the commands that were written, wherever the stream is cut', () => {
    const serializeType = fc.constantFrom('json' as const, 'compact' as const);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(command, serializeType), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat()),
        (list, points) => {
          const decoder = new FrameDecoder();
          const stream = Buffer.concat(
            list.map(([entry, type]) => encodeCommand(entry, { serializeType: type })),
          );
          const got = cut(stream, points).flatMap((chunk) => decoder.push(chunk));
          expect(plain(got)).toEqual(plain(list.map(([entry]) => entry)));
          expect(decoder.bufferedBytes).toBe(0);
        },
      ),
    );
  });

  it('does not copy a body that lies in one chunk', () => {
    const chunk = encodeCommand(createRequest(10, { body: Buffer.from('hello') }, { opaque: 1 }));
    const [got] = new FrameDecoder().push(chunk);
    expect(got?.body.buffer).toBe(chunk.buffer);
  });

  it('joins a large frame of many chunks', () => {
    const body = Buffer.alloc(3_000_000, 7);
    const stream = encodeCommand(createRequest(10, { body }, { opaque: 1 }));
    const decoder = new FrameDecoder();
    const got: RemotingCommand[] = [];
    for (let at = 0; at < stream.length; at += 1000)
      got.push(...decoder.push(stream.subarray(at, at + 1000)));
    expect(got).toHaveLength(1);
    expect(got[0]?.body.equals(body)).toBe(true);
  });

  it.each([
    ['longer than the limit', '00100000', 'frame-too-large'],
    ['of negative length', 'ffffffff', 'frame-malformed'],
    ['too short for a header length', '00000003', 'frame-malformed'],
    ['with a header longer than itself', '0000000400000001', 'frame-malformed'],
    ['of unknown serialize type', '0000000402000000', 'frame-malformed'],
    ['with a header that is no JSON', '00000006000000027b7b', 'body-malformed'],
    ['with a header that is no object', '00000006000000023133', 'header-malformed'],
    ['with a cut compact header', '000000060100000200690', 'header-malformed'],
  ])('refuses a frame %s, and then everything', (_, bytes, code) => {
    const decoder = new FrameDecoder({ maxFrameBytes: 1000 });
    const bad = Buffer.from(bytes, 'hex');
    expect(() => decoder.push(bad)).toThrowError(
      expect.objectContaining({ name: 'ProtocolError', code }) as Error,
    );
    const good = encodeCommand(createRequest(1, {}, { opaque: 1 }));
    expect(() => decoder.push(good)).toThrow(ProtocolError);
  });

  it('takes a frame of exactly the limit', () => {
    const frame = encodeCommand(createRequest(1, { body: Buffer.alloc(50) }, { opaque: 1 }));
    expect(new FrameDecoder({ maxFrameBytes: frame.length }).push(frame)).toHaveLength(1);
    expect(() => new FrameDecoder({ maxFrameBytes: frame.length - 1 }).push(frame)).toThrow(/allowed are/);
  });

  it('answers any bytes with commands or a ProtocolError, nothing else', () => {
    const hostile = fc.uint8Array({ maxLength: 80 }).map((bytes) => {
      const head = Buffer.alloc(4);
      head.writeInt32BE(bytes.length);
      return Buffer.concat([head, bytes]);
    });
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
        ),
        (bytes) => {
          try {
            new FrameDecoder().push(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(ProtocolError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
