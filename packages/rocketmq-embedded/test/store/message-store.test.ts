import fs from 'node:fs';
import path from 'node:path';
import { decodeStoredMessage, encodeStoredMessage, javaStringHashCode } from '@dt/rocketmq-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MessageStore } from '../../src/store/index.ts';
import { encodeHost } from '../../src/server/index.ts';
import { temporaryFolder } from '../support/folders.ts';
import { bodies, LIMITS, message, MIB, openStore, put, readAll, storeOptions } from '../support/store.ts';

const logFiles = (folder: string): string[] =>
  fs
    .readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .sort();

describe('message store', () => {
  it('keeps messages, offsets and order over a restart', async () => {
    const folder = temporaryFolder();
    const first = await openStore(folder);
    await put(first, 'T', message('a'), message('b', { queueId: 1 }), message('c'));
    await put(first, 'U', message('d'));
    await first.close();
    const second = await openStore(folder);
    expect(bodies(await readAll(second, 'T'))).toEqual(['a', 'c']);
    expect(bodies(await readAll(second, 'T', 1))).toEqual(['b']);
    await put(second, 'T', message('e'));
    const messages = await readAll(second, 'T');
    expect(bodies(messages)).toEqual(['a', 'c', 'e']);
    expect(messages.map((each) => each.queueOffset)).toEqual([0, 1, 2]);
  });

  it('writes the record that the protocol package writes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 300 }),
        fc.stringMatching(/^[a-zA-Z0-9_%-]{1,200}$/),
        fc.dictionary(
          fc.stringMatching(/^[a-z]{1,8}$/),
          fc
            .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
            .filter((text) => !text.includes('\u0001') && !text.includes('\u0002')),
          { maxKeys: 5 },
        ),
        fc.constantFrom('127.0.0.1', '::1', '2001:db8::5'),
        fc.integer(),
        async (body, topic, properties, ip, flag) => {
          const folder = temporaryFolder();
          const store = await MessageStore.open(storeOptions(folder));
          const appended = store.append(
            topic,
            message(Buffer.from(body), { properties, flag, bornHost: encodeHost(ip, 77) }),
          );
          await store.committed();
          const stored = (await store.messageAt(appended.physicalOffset)) ?? Buffer.alloc(0);
          const expected = encodeStoredMessage({ ...decodeStoredMessage(stored), properties });
          expect(stored.equals(expected)).toBe(true);
          expect(decodeStoredMessage(stored)).toMatchObject({
            topic,
            flag,
            physicalOffset: appended.physicalOffset,
            bornHost: { ip, port: 77 },
          });
          await store.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('shows nothing before it is written', async () => {
    const store = await openStore(temporaryFolder());
    store.append('T', message('a'));
    expect(store.maxOffset('T', 0)).toBe(0);
    await store.committed();
    expect(store.maxOffset('T', 0)).toBe(1);
  });

  it('goes on in a next segment and serves from both, before and after a restart', async () => {
    const folder = temporaryFolder();
    const options = { segmentBytes: 8 * MIB };
    const first = await openStore(folder, options);
    const count = 40;
    for (let i = 0; i < count; i++)
      await put(
        first,
        'T',
        message(Buffer.alloc(MIB / 2, i + 1), { properties: { KEYS: `key-${i}`, TAGS: `tag-${i % 2}` } }),
      );
    const check = async (store: MessageStore): Promise<void> => {
      const messages = await readAll(store, 'T');
      expect(messages.map((each) => [each.queueOffset, each.body[0]])).toEqual(
        Array.from({ length: count }, (_, i) => [i, i + 1]),
      );
      for (const i of [0, 17, count - 1]) {
        const [found] = await store.byKey({
          topic: 'T',
          key: `key-${i}`,
          maxCount: 5,
          beginTimestamp: 0,
          endTimestamp: Number.MAX_SAFE_INTEGER,
          unique: false,
        });
        expect(found === undefined ? undefined : decodeStoredMessage(found).queueOffset).toBe(i);
      }
      const odd = await store.read('T', 0, 0, {
        ...LIMITS,
        maxBytes: 100 * MIB,
        tagHashes: new Set([javaStringHashCode('tag-1')]),
      });
      expect(odd.count).toBe(count / 2);
      expect(odd.nextOffset).toBe(count);
    };
    await check(first);
    await first.close();
    expect(logFiles(folder).length).toBeGreaterThan(2);
    await check(await openStore(folder, options));
  });

  it('makes the index of a finished segment again when its file is missing or damaged', async () => {
    const folder = temporaryFolder();
    const options = { segmentBytes: 8 * MIB };
    const first = await openStore(folder, options);
    for (let i = 0; i < 40; i++) await put(first, 'T', message(Buffer.alloc(MIB / 2, i + 1)));
    await first.close();
    const [one, two] = fs.readdirSync(folder).filter((name) => name.endsWith('.idx'));
    fs.rmSync(path.join(folder, String(one)));
    const damaged = fs.readFileSync(path.join(folder, String(two)));
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 5) ^ 1, damaged.length - 5);
    fs.writeFileSync(path.join(folder, String(two)), damaged);
    const second = await openStore(folder, options);
    expect((await readAll(second, 'T')).length).toBe(40);
    expect(fs.existsSync(path.join(folder, String(one)))).toBe(true);
  });

  it('cuts a torn end at any byte and keeps every record before it', async () => {
    const folder = temporaryFolder();
    const first = await openStore(folder);
    const ends: number[] = [];
    for (const body of ['a', 'bb', 'ccc']) {
      await put(first, 'T', message(body));
      ends.push(first.maxPhysicalOffset);
    }
    await first.close();
    const file = path.join(folder, String(logFiles(folder)[0]));
    const whole = fs.readFileSync(file);
    for (let cut = 0; cut <= whole.length; cut += 7) {
      fs.writeFileSync(file, whole.subarray(0, cut));
      const store = await MessageStore.open(storeOptions(folder));
      const kept = ends.filter((end) => end <= cut).length;
      expect((await readAll(store, 'T')).length).toBe(kept);
      expect(store.maxPhysicalOffset).toBe(kept === 0 ? 0 : ends[kept - 1]);
      await store.close();
    }
  });

  it('finds offsets by store time', async () => {
    const store = await openStore(temporaryFolder());
    expect(await store.offsetByTimestamp('T', 0, 0, 'LOWER')).toBe(0);
    const times: number[] = [];
    for (let i = 0; i < 5; i++) {
      times.push(store.append('T', message(`${i}`)).storeTimestamp);
      await store.committed();
      const now = Date.now();
      while (Date.now() === now);
    }
    for (const [i, time] of times.entries()) {
      expect(await store.offsetByTimestamp('T', 0, time, 'LOWER')).toBe(i);
      expect(await store.offsetByTimestamp('T', 0, time, 'UPPER')).toBe(i);
    }
    expect(await store.offsetByTimestamp('T', 0, Date.now() + 1000, 'LOWER')).toBe(5);
    expect(await store.offsetByTimestamp('T', 0, Date.now() + 1000, 'UPPER')).toBe(4);
    expect(await store.offsetByTimestamp('T', 0, 0, 'LOWER')).toBe(0);
  });

  it('starts a deleted topic at 0 again, also after a restart', async () => {
    const folder = temporaryFolder();
    const first = await openStore(folder);
    await put(first, 'T', message('old'), message('old'));
    await put(first, 'U', message('kept'));
    first.deleteTopic('T');
    expect(first.maxOffset('T', 0)).toBe(0);
    await put(first, 'T', message('new'));
    expect(bodies(await readAll(first, 'T'))).toEqual(['new']);
    await first.close();
    const second = await openStore(folder);
    expect((await readAll(second, 'T')).map((each) => [each.queueOffset, each.body.toString()])).toEqual([
      [0, 'new'],
    ]);
    expect(bodies(await readAll(second, 'U'))).toEqual(['kept']);
  });

  it('removes old segments by size, and offsets go on where they were, also after a restart', async () => {
    const folder = temporaryFolder();
    const options = { segmentBytes: 8 * MIB, maxLogBytes: 10 * MIB };
    const first = await openStore(folder, options);
    await put(first, 'Rare', message('only'));
    for (let i = 0; i < 80; i++) await put(first, 'T', message(Buffer.alloc(MIB / 2, i + 1)));
    await expect
      .poll(() => fs.readdirSync(folder).filter((name) => name.endsWith('.idx')).length)
      .toBeGreaterThan(3);
    const before = first.logBytes;
    first.removeExpired();
    expect(first.logBytes).toBeLessThan(before);
    const check = async (store: MessageStore): Promise<void> => {
      expect(store.minOffset('T', 0)).toBeGreaterThan(0);
      expect(store.minOffset('Rare', 0)).toBe(1);
      expect(store.maxOffset('Rare', 0)).toBe(1);
      expect((await store.read('T', 0, 0, LIMITS)).status).toBe('OFFSET_TOO_SMALL');
      const left = await readAll(store, 'T');
      expect(left.at(-1)?.queueOffset).toBe(79);
      expect(left[0]?.queueOffset).toBe(store.minOffset('T', 0));
    };
    await check(first);
    await first.close();
    const second = await openStore(folder, options);
    await check(second);
    expect(second.append('Rare', message('next')).queueOffset).toBe(1);
  });

  it('removes segments by age, the last one too', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder, { segmentBytes: 8 * MIB, retentionMs: 1000 });
    await put(store, 'T', message('a'));
    store.removeExpired();
    expect((await readAll(store, 'T')).length).toBe(1);
    store.removeExpired(Date.now() + 2000);
    await put(store, 'T', message('b'));
    await expect.poll(() => fs.existsSync(path.join(folder, '00000000000000000000.idx'))).toBe(true);
    await expect
      .poll(
        () => {
          store.removeExpired(Date.now() + 100);
          return store.minOffset('T', 0);
        },
        { timeout: 5000 },
      )
      .toBe(1);
    expect(bodies(await readAll(store, 'T'))).toEqual(['b']);
  });

  it('keeps what is pinned, whatever its age', async () => {
    const store = await openStore(temporaryFolder(), { segmentBytes: 8 * MIB, maxLogBytes: 1 });
    store.pinFrom(() => 0);
    for (let i = 0; i < 40; i++) await put(store, 'T', message(Buffer.alloc(MIB / 2, i + 1)));
    store.removeExpired();
    expect(store.minOffset('T', 0)).toBe(0);
  });

  it('says that it is busy instead of growing without bound', async () => {
    const store = await openStore(temporaryFolder(), { maxPendingBytes: 8 * MIB });
    const append = (): unknown => store.append('T', message(Buffer.alloc(MIB)));
    for (let i = 0; i < 7; i++) append();
    expect(append).toThrow(expect.objectContaining({ code: 'store-busy', retryable: true }));
    await store.committed();
    append();
    await store.committed();
    expect(store.maxOffset('T', 0)).toBe(8);
  });

  it('syncs before it acknowledges, many messages at once', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder, { flush: 'sync' });
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        store.append('T', message(`${i}`));
        await store.committed();
      }),
    );
    expect((await readAll(store, 'T')).length).toBe(200);
  });
});
