import fs from 'node:fs';
import path from 'node:path';
import { decodeStoredMessages } from '@dt/rocketmq-protocol';
import fc from 'fast-check';
import { expect } from 'vitest';
import { MessageStore } from '../../src/store/index.ts';
import { filesOf, flipBits } from './damage.ts';
import { temporaryFolder } from './folders.ts';
import { recordingLogger, type LogLine } from './recording-logger.ts';
import { LIMITS, message, put, storeOptions } from './store.ts';

export const SMALL_SEGMENTS = { segmentBytes: 16 * 1024 };

export interface Stored {
  file: string;
  /** Of the message in its file. */
  position: number;
  bytes: Buffer;
}

/** Three topics with two queues each in many small files, and one that was deleted. By `topic@queueId@offset`. */
export async function populate(folder: string): Promise<Map<string, Stored>> {
  const store = await MessageStore.open(storeOptions(folder, SMALL_SEGMENTS));
  for (let i = 0; i < 30; i++) await put(store, 'Gone', message(`gone ${i}`));
  store.deleteTopic('Gone');
  for (let i = 0; i < 300; i++) {
    const properties = { KEYS: `key-${i}`, TAGS: `tag-${i % 3}` };
    await put(store, `T${i % 3}`, message(`${i} `.repeat(1 + (i % 60)), { queueId: i % 2, properties }));
  }
  await store.close();
  return everything(folder, await MessageStore.open(storeOptions(folder, SMALL_SEGMENTS)));
}

/** All that is served; closes the store. */
export async function everything(folder: string, store: MessageStore): Promise<Map<string, Stored>> {
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.log'));
  const served = new Map<string, Stored>();
  for (const topic of ['T0', 'T1', 'T2', 'Gone']) {
    for (const queueId of [0, 1]) {
      for (let offset = store.minOffset(topic, queueId); offset < store.maxOffset(topic, queueId);) {
        const read = await store.read(topic, queueId, offset, LIMITS);
        expect(read.nextOffset).toBeGreaterThan(offset);
        let at = 0;
        for (const { physicalOffset, queueOffset, sizeBytes } of decodeStoredMessages(read.body)) {
          const file = files.sort().findLast((name) => Number(name.slice(0, 20)) <= physicalOffset) ?? '';
          const bytes = read.body.subarray(at, (at += sizeBytes));
          served.set(`${topic}@${queueId}@${queueOffset}`, {
            file,
            position: physicalOffset - Number(file.slice(0, 20)),
            bytes,
          });
        }
        offset = read.nextOffset;
      }
    }
  }
  await store.close();
  return served;
}

/** Whether a line of the log names the bytes this message lies in. */
function isNamed(lines: readonly LogLine[], { file, position }: Stored): boolean {
  return lines.some(({ fields }) => {
    if (path.basename(String(fields['file'])) !== file) return false;
    if (fields['cutBytes'] !== undefined) return position >= Number(fields['keptBytes']);
    const damaged = (fields['damaged'] ?? []) as { position: number; bytes: number }[];
    return damaged.some((range) => position >= range.position && position < range.position + range.bytes);
  });
}

/**
 * Bits flipped anywhere in the files of a store: whatever is served is what was stored, and whatever is missing was
 * named in the log.
 */
export async function checkRandomDamage(numRuns: number): Promise<void> {
  const original = temporaryFolder();
  const before = await populate(original);
  const fraction = fc.double({ min: 0, max: 0.999_999, noNaN: true });
  const flip = fc.record({ file: fraction, position: fraction, bit: fc.integer({ min: 0, max: 7 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 6 }), async (flips) => {
      const folder = temporaryFolder();
      fs.cpSync(original, folder, { recursive: true });
      const flipped = flipBits(filesOf(folder), flips);
      const logger = recordingLogger();
      const store = await MessageStore.open(storeOptions(folder, { ...SMALL_SEGMENTS, logger }));
      await store.checked();
      const served = await everything(folder, store);
      for (const [id, { bytes }] of served) {
        if (!id.startsWith('Gone')) expect(bytes.equals(before.get(id)?.bytes ?? Buffer.alloc(0))).toBe(true);
      }
      const missing = [...before].filter(([id]) => !served.has(id));
      expect(missing.length).toBeLessThanOrEqual(flipped.filter((name) => name.endsWith('.log')).length);
      for (const [id, stored] of missing) expect([id, isNamed(logger.lines, stored)]).toEqual([id, true]);
      fs.rmSync(folder, { recursive: true });
    }),
    { numRuns },
  );
}
