import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileOffsetStore } from '@dt/rocketmq-client';

const queue = (queueId: number) => ({ topic: 'T', brokerName: 'broker-a', queueId });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'offsets-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a file of offsets', () => {
  it('gives back what was saved, also to the next one who opens it', async () => {
    const path = join(folder, 'deep', 'down', 'offsets.json');
    const store = await fileOffsetStore(path);
    expect(await store.load(queue(0))).toBeUndefined();
    await store.save([
      { queue: queue(0), offset: 7 },
      { queue: queue(1), offset: 0 },
    ]);
    await store.save([{ queue: queue(0), offset: 8 }]);
    const again = await fileOffsetStore(path);
    expect([await again.load(queue(0)), await again.load(queue(1)), await again.load(queue(2))]).toEqual([
      ...[8, 0, undefined],
    ]);
    expect(await readdir(join(folder, 'deep', 'down'))).toEqual(['offsets.json']);
  });

  it('keeps every one of many saves that run at the same time', async () => {
    const path = join(folder, 'offsets.json');
    const store = await fileOffsetStore(path);
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => store.save([{ queue: queue(i % 50), offset: i }])),
    );
    const again = await fileOffsetStore(path);
    expect(await Promise.all([0, 25, 49].map((queueId) => again.load(queue(queueId))))).toEqual([
      ...[150, 175, 199],
    ]);
  });

  const entry = { topic: 'T', brokerName: 'b', queueId: 0, offset: 1 };
  it.each([
    ['', 'Unexpected end'],
    ['{"version":1,"offsets":[{"topic":"T"', 'JSON'],
    ['[]', 'expected { "version": 1, "offsets": [...] }'],
    ['{"version":2,"offsets":[]}', 'expected { "version": 1'],
    [JSON.stringify({ version: 1, offsets: [entry, null] }), 'entry 1'],
    [JSON.stringify({ version: 1, offsets: [{ ...entry, offset: -1 }] }), 'entry 0'],
    [JSON.stringify({ version: 1, offsets: [{ ...entry, queueId: '0' }] }), 'entry 0'],
    [JSON.stringify({ version: 1, offsets: [entry, entry] }), 'entry 1'],
  ])('that is damaged is refused and stays as it is: %j', async (text, reason) => {
    const path = join(folder, 'offsets.json');
    await writeFile(path, text);
    const error: unknown = await fileOffsetStore(path).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'offset-store-failed', retryable: false });
    expect(String(error)).toContain(`offsets file ${path}: it is damaged: `);
    expect(String(error)).toContain(reason);
    expect(await readFile(path, 'utf8')).toBe(text);
    expect(await readdir(folder)).toEqual(['offsets.json']);
  });

  it('that cannot be read or written is an error, too', async () => {
    await expect(fileOffsetStore(folder)).rejects.toMatchObject({ code: 'offset-store-failed' });
    await writeFile(join(folder, 'file'), '');
    const store = await fileOffsetStore(join(folder, 'later', 'offsets.json'));
    await writeFile(join(folder, 'later'), '');
    await expect(store.save([{ queue: queue(0), offset: 1 }])).rejects.toMatchObject({
      code: 'offset-store-failed',
    });
  });

  it('takes no more queues than a bound, and keeps those it has', async () => {
    const store = await fileOffsetStore(join(folder, 'offsets.json'));
    const entries = Array.from({ length: 65_536 }, (_, i) => ({ queue: queue(i), offset: i }));
    await store.save(entries);
    await expect(store.save([{ queue: queue(70_000), offset: 1 }])).rejects.toThrow('65536 queues');
    await store.save([{ queue: queue(5), offset: 6 }]);
    expect(await store.load(queue(5))).toBe(6);
  });
});
