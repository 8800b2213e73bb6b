import { decodeStoredMessage } from '@dt/rocketmq-protocol';
import type { MessageFilter } from '../filter/index.ts';
import type { MessageStore, ReadLimits, ReadResult } from '../store/index.ts';

/** Messages looked at together. */
const CHUNK = { maxCount: 64, maxBytes: 1024 * 1024, maxScan: 64 };

/** Reads like the store, but only messages with properties that are wanted: each one is looked into. */
export async function readFiltered(
  store: MessageStore,
  topic: string,
  queueId: number,
  offset: number,
  limits: ReadLimits,
  filter: MessageFilter,
): Promise<ReadResult> {
  const wanted: Buffer[] = [];
  let bytes = 0;
  let next = offset;
  for (;;) {
    const read = await store.read(topic, queueId, next, CHUNK);
    const result = (): ReadResult => ({
      ...read,
      status: wanted.length > 0 ? 'FOUND' : 'NO_MATCHED_MESSAGE',
      nextOffset: next,
      body: Buffer.concat(wanted, bytes),
      count: wanted.length,
    });
    if (read.status !== 'FOUND') return next === offset ? read : result();
    for (let at = 0; at < read.body.length;) {
      const { properties, queueOffset, sizeBytes } = decodeStoredMessage(read.body, at);
      if (filter(properties)) {
        if (wanted.length > 0 && bytes + sizeBytes > limits.maxBytes) return result();
        wanted.push(read.body.subarray(at, at + sizeBytes));
        bytes += sizeBytes;
      }
      next = queueOffset + 1;
      at += sizeBytes;
      if (wanted.length >= limits.maxCount) return result();
    }
    next = read.nextOffset;
    if (next >= read.maxOffset || next - offset >= limits.maxScan) return result();
  }
}
