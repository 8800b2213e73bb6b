import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressBody } from '../../src/compression/index.ts';
import { xxhash32 } from '../../src/compression/xxhash32.ts';

const COMPRESSED = 1;
const LZ4 = 0x100;
const ZSTD = 0x200;
const ZLIB = 0x300;

const orders = (count: number, id: (i: number) => number): string =>
  Array.from({ length: count }, (_, i) => `{"order":${id(i)},"state":"settled"}`).join('');

/** The bodies that were given to the compressors of RocketMQ's Java client 5.3.0. */
const plain: Record<string, Buffer> = {
  text: Buffer.from(orders(400, (i) => i)),
  random: javaRandom(300),
  zeros: Buffer.alloc(200_000),
  short: Buffer.from('hello'),
  // In blocks of 64 KiB, with the checksums and the size that the frame format has and RocketMQ leaves out.
  checksums: Buffer.from(orders(8000, (i) => i % 10)),
  // By the command lz4: its blocks copy from those before them.
  linked: Buffer.from(orders(8000, (i) => i % 10)),
};

function javaRandom(count: number): Buffer {
  let state = 7;
  return Buffer.from(
    Array.from({ length: count }, () => (state = (Math.imul(state, 1_103_515_245) + 12_345) | 0) >>> 16),
  );
}

const compressed = readFileSync(new URL('./bodies.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as [name: string, type: number, base64: string]);

function bodyOf(name: string, type: number): Buffer {
  const found = compressed.find((entry) => entry[0] === name && entry[1] === type);
  return Buffer.from(found?.[2] ?? '', 'base64');
}

const decompress = (
  body: Buffer,
  type: number,
  maxBytes?: number,
): Promise<{ body: Buffer; bodyError: string | undefined }> =>
  decompressBody({ body, sysFlag: COMPRESSED | type }, maxBytes);

describe('a compressed body', () => {
  it.each(compressed)('of another client is read: %s, type %i', async (name, type, base64) => {
    const { body, bodyError } = await decompress(Buffer.from(base64, 'base64'), type);
    expect(bodyError).toBeUndefined();
    expect(body.equals(plain[name] ?? Buffer.alloc(0))).toBe(true);
  });

  it('without a type is zlib, as old clients mean it', async () => {
    expect((await decompress(deflateSync('hello'), 0)).body.toString()).toBe('hello');
  });

  it('of a type nobody knows is left as it is, with the reason', async () => {
    const given = Buffer.from('?');
    expect(await decompress(given, 0x400)).toEqual({
      body: given,
      bodyError: 'compression of an unknown type is not supported',
    });
  });

  it.each([
    ['lz4', LZ4],
    ['zstd', ZSTD],
    ['zlib', ZLIB],
  ])('that becomes larger than is allowed is refused (%s)', async (_, type) => {
    const given = bodyOf('zeros', type);
    expect((await decompress(given, type, 200_000)).bodyError).toBeUndefined();
    const { body, bodyError } = await decompress(given, type, 199_999);
    expect(bodyError).toContain('body cannot be decompressed');
    expect(body).toBe(given);
  });

  it.each([
    ['lz4', LZ4, 'text'],
    ['zstd', ZSTD, 'text'],
    ['lz4 with checksums', LZ4, 'checksums'],
  ])('that was cut is refused, wherever (%s)', async (_, type, name) => {
    const whole = bodyOf(name, type);
    for (let length = 0; length < whole.length; length++) {
      const { bodyError } = await decompress(whole.subarray(0, length), type);
      expect(bodyError, `${length} bytes`).toBeDefined();
    }
  });

  it('with its checksums is refused when any bit of it is another', async () => {
    const whole = bodyOf('checksums', LZ4);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
      const { bodyError } = await decompress(damaged, LZ4);
      expect(bodyError, `byte ${at}`).toBeDefined();
    }
  });

  it('that claims a window beyond the limit is refused before room is made for it', async () => {
    const frame = Buffer.from(bodyOf('short', ZSTD));
    frame[5] = 0xa8; // 2 GiB
    expect((await decompress(frame, ZSTD)).bodyError).toContain('needs 2147483648 bytes');
    const two = Buffer.concat([bodyOf('short', ZSTD), frame]);
    expect((await decompress(two, ZSTD)).bodyError).toContain('ends elsewhere');
  });

  it('of any bytes ends in a body or a reason', async () => {
    const heads = [bodyOf('text', LZ4), bodyOf('text', ZSTD), bodyOf('zeros', LZ4), Buffer.alloc(0)];
    const damage = fc.record({
      whole: fc.constantFrom(...heads),
      keep: fc.nat(400),
      tail: fc.uint8Array({ maxLength: 60 }),
      type: fc.constantFrom(LZ4, ZSTD, ZLIB),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ whole, keep, tail, type }) => {
        const given = Buffer.concat([whole.subarray(0, keep), tail]);
        const { body, bodyError } = await decompress(given, type, 1_000_000);
        expect(bodyError === undefined ? body.length <= 1_000_000 : body === given).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('of LZ4 may be of several frames', async () => {
    const two = Buffer.concat([bodyOf('short', LZ4), bodyOf('text', LZ4)]);
    expect((await decompress(two, LZ4)).body.toString()).toBe(`hello${plain['text']?.toString()}`);
  });
});

describe('xxhash32', () => {
  it.each([
    ['', 0x02cc5d05],
    ['abc', 0x32d153ff],
    ['Nobody inspects the spammish repetition', 0xe2293b2f],
  ])('of %j is what its specification says', (text, expected) => {
    expect(xxhash32(Buffer.from(text))).toBe(expected);
  });
});
