import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { JsonFile, MessageStore } from '../../src/store/index.ts';
import { checkRandomDamage, everything, populate, SMALL_SEGMENTS } from '../support/damage-property.ts';
import { flipBit } from '../support/damage.ts';
import { temporaryFolder } from '../support/folders.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { bodies, LIMITS, message, MIB, openStore, put, readAll, storeOptions } from '../support/store.ts';

const FIRST = '00000000000000000000.log';
const PASSED_OVER = 'rocketmq store: damaged records of the log are passed over';

describe('damage', () => {
  it('anywhere leaves all healthy messages served as they were stored, and names the others', async () => {
    await checkRandomDamage(20);
  }, 120_000);

  it('of a finished file is passed over by its readers, and named with its queues', async () => {
    const folder = temporaryFolder();
    await populate(folder);
    const file = path.join(folder, FIRST);
    const hit = fs.readFileSync(file).indexOf('12 12 12');
    flipBit(file, hit, 3);
    const logger = recordingLogger();
    const store = await openStore(folder, { ...SMALL_SEGMENTS, logger });
    await store.checked();
    const [line] = logger.lines.filter(({ level }) => level === 'error');
    expect(line).toMatchObject({
      message: PASSED_OVER,
      fields: { file, lost: { 'T0@0': 1 }, damagedCount: 1 },
    });
    const offsets = (await readAll(store, 'T0', 0)).map((each) => each.queueOffset);
    expect(offsets).toEqual(Array.from({ length: 50 }, (_, i) => i).filter((offset) => offset !== 2));
    // A pull that asks for just the damaged one gets the next.
    expect((await store.read('T0', 0, 2, { ...LIMITS, maxCount: 1 })).nextOffset).toBe(4);
    // Named once, however often it is met.
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('of a length is passed over as well: the next record is found by its marks', async () => {
    const folder = temporaryFolder();
    const first = await openStore(folder);
    await put(first, 'T', message('a'), message('b'), message('c'));
    await first.close();
    const file = path.join(folder, FIRST);
    const size = (fs.statSync(file).size / 3) | 0;
    flipBit(file, size + 6, 0);
    const logger = recordingLogger();
    const second = await openStore(folder, { logger });
    expect((await readAll(second, 'T')).map((each) => [each.queueOffset, each.body.toString()])).toEqual([
      [0, 'a'],
      [2, 'c'],
    ]);
    expect(logger.lines[0]).toMatchObject({
      level: 'error',
      fields: { damaged: [{ position: size, bytes: size }], lost: { 'T@0': 1 } },
    });
  });

  it('of the last message leaves its offset taken, also after further restarts', async () => {
    const folder = temporaryFolder();
    const first = await openStore(folder);
    await put(first, 'T', message('a'), message('precious'));
    await first.close();
    const file = path.join(folder, FIRST);
    flipBit(file, fs.readFileSync(file).indexOf('precious'), 0);
    const logger = recordingLogger();
    await (await openStore(folder, { logger })).close();
    expect(logger.lines[0]).toMatchObject({ level: 'warn', fields: { lost: { 'T@0': 1 } } });
    const third = await openStore(folder);
    expect(third.append('T', message('c')).queueOffset).toBe(2);
    await third.committed();
    expect(bodies(await readAll(third, 'T'))).toEqual(['a', 'c']);
  });

  it('of an index of a finished file has it made again from the log', async () => {
    const folder = temporaryFolder();
    const before = await populate(folder);
    const index = path.join(folder, FIRST.replace('.log', '.idx'));
    for (const position of [2, 30, 200, fs.statSync(index).size - 3]) {
      flipBit(index, position, 1);
      const logger = recordingLogger();
      const served = await everything(
        folder,
        await MessageStore.open(storeOptions(folder, { ...SMALL_SEGMENTS, logger })),
      );
      expect(served.size).toBe(before.size);
      expect(logger.lines[0]).toMatchObject({ level: 'warn', fields: { file: index } });
    }
  });

  it('to a message while the store is open is passed over when it is read', async () => {
    const folder = temporaryFolder();
    const logger = recordingLogger();
    const store = await openStore(folder, { logger });
    await put(store, 'T', message('a'), message('precious'), message('c'));
    const file = path.join(folder, FIRST);
    flipBit(file, fs.readFileSync(file).indexOf('precious'), 0);
    expect(bodies(await readAll(store, 'T'))).toEqual(['a', 'c']);
    expect(logger.lines[0]).toMatchObject({
      level: 'error',
      fields: { file, topic: 'T', queueId: 0, queueOffset: 1 },
    });
    expect(await store.offsetByTimestamp('T', 0, 0, 'LOWER')).toBe(0);
  });

  it("ends the start with onDamage 'refuse', in finished files too, and names file and position", async () => {
    const folder = temporaryFolder();
    await populate(folder);
    const strict = storeOptions(folder, { ...SMALL_SEGMENTS, onDamage: 'refuse' });
    await (await MessageStore.open(strict)).close();
    const file = path.join(folder, FIRST);
    flipBit(file, fs.readFileSync(file).indexOf('12 12 12'), 3);
    await expect(MessageStore.open(strict)).rejects.toMatchObject({ code: 'store-corrupt' });
    await expect(MessageStore.open(strict)).rejects.toThrow(file);
  });

  it('is found at the far end of the largest files, and nothing else is taken for it', async () => {
    const folder = temporaryFolder();
    const large = { segmentBytes: 128 * MIB };
    const first = await openStore(folder, large);
    // The first of an odd size, so that no position is a round number.
    await put(first, 'T', message('x'.repeat(473)));
    for (let i = 0; i < 65; i++) await put(first, 'T', message(Buffer.alloc(2 * MIB - 99, i)));
    await first.close();
    const strict = storeOptions(folder, { ...large, onDamage: 'refuse' });
    await (await MessageStore.open(strict)).close();
    const file = path.join(folder, FIRST);
    flipBit(file, fs.statSync(file).size - 1000, 0);
    await expect(MessageStore.open(strict)).rejects.toMatchObject({ code: 'store-corrupt' });
  });

  it('does not have an old file kept for ever whose messages are all damaged', async () => {
    const folder = temporaryFolder();
    const first = await openStore(folder, SMALL_SEGMENTS);
    for (let i = 0; i < 4; i++) await put(first, 'T', message(Buffer.alloc(12_000, i)));
    await first.close();
    flipBit(path.join(folder, FIRST), 6000, 0);
    fs.rmSync(path.join(folder, FIRST.replace('.log', '.idx')));
    const second = await openStore(folder, { ...SMALL_SEGMENTS, maxLogBytes: 20_000 });
    second.removeExpired();
    expect(second.minOffset('T', 0)).toBeGreaterThan(1);
  });
});

describe('a configuration file', () => {
  const file = (folder: string, onDamage: 'serve-rest' | 'refuse' = 'serve-rest') => {
    const logger = recordingLogger();
    return { logger, json: new JsonFile(path.join(folder, 'x.json'), { onDamage, logger }) };
  };

  it('that is damaged at any bit is taken from its copy, and mended', () => {
    const folder = temporaryFolder();
    file(folder).json.saveNow({ a: 1 });
    for (let bit = 0; bit < fs.statSync(path.join(folder, 'x.json')).size * 8; bit++) {
      flipBit(path.join(folder, 'x.json'), bit >> 3, bit & 7);
      const { json, logger } = file(folder);
      expect(json.load()).toEqual({ a: 1 });
      expect(logger.lines).toMatchObject([{ level: 'error', fields: { file: json.path } }]);
    }
    const { json, logger } = file(folder);
    expect(json.load()).toEqual({ a: 1 });
    expect(logger.lines).toEqual([]);
  });

  it('is made again for its copy, too', async () => {
    const folder = temporaryFolder();
    await file(folder).json.save({ a: 1 });
    flipBit(path.join(folder, 'x.json.bak'), 20, 0);
    const { json, logger } = file(folder);
    expect(json.load()).toEqual({ a: 1 });
    expect(logger.lines).toMatchObject([{ level: 'warn', fields: { file: `${json.path}.bak` } }]);
    fs.rmSync(json.path);
    expect(file(folder).json.load()).toEqual({ a: 1 });
  });

  it('that is damaged with its copy counts as none, is put aside and named', () => {
    const folder = temporaryFolder();
    file(folder).json.saveNow({ a: 1 });
    for (const name of ['x.json', 'x.json.bak']) flipBit(path.join(folder, name), 20, 0);
    expect(() => file(folder, 'refuse').json.load()).toThrow(
      expect.objectContaining({ code: 'store-corrupt' }),
    );
    const { json, logger } = file(folder);
    expect(json.load()).toBeUndefined();
    expect(json.isLost).toBe(true);
    expect(logger.lines).toMatchObject([{ level: 'error', fields: { aside: `${json.path}.damaged` } }]);
    expect(fs.existsSync(`${json.path}.damaged`)).toBe(true);
  });

  it('of an earlier version, or written by hand, is taken as it is', () => {
    const folder = temporaryFolder();
    fs.writeFileSync(path.join(folder, 'x.json'), '{"a": 2}');
    expect(file(folder).json.load()).toEqual({ a: 2 });
  });
});
