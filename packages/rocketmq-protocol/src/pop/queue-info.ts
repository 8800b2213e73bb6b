import { ProtocolError } from '../errors.ts';
import { type PopRetry, popRetryMark, popRetryOfMark } from './pop-retry-topic.ts';

/** A queue an answer has messages of. */
export interface PopQueue {
  retry: PopRetry;
  queueId: number;
}

export interface PopStartOffset extends PopQueue {
  startOffset: number;
}

export interface PopMessageOffsets extends PopQueue {
  offsets: number[];
}

/** How often messages of a queue popped in order were given out before: one of them, or, without an offset, the least. */
export interface PopOrderCount extends PopQueue {
  queueOffset?: number;
  count: number;
}

/** More queues than one answer can be about. */
const MAX_ENTRIES = 100_000;
const INTEGER = /^\d{1,16}$/;
const QUEUE_AND_OFFSET = /^qo(\d{1,10})%(\d{1,16})$/;

/** `0 1 10;1 0 3`: retry mark, queue, first offset. */
export function encodeStartOffsets(entries: readonly PopStartOffset[]): string {
  return join(entries, ({ queueId, startOffset }) => `${queueId} ${startOffset}`);
}

/** Throws `field-invalid`, as the others here do. An absent or empty text is no entry. */
export function decodeStartOffsets(text: string | undefined): PopStartOffset[] {
  return split('startOffsetInfo', text, (retry, queue, value) => ({
    retry,
    queueId: integer('startOffsetInfo', queue),
    startOffset: integer('startOffsetInfo', value),
  }));
}

/** `0 1 10,11,13`: retry mark, queue, the offsets of its messages. */
export function encodeMessageOffsets(entries: readonly PopMessageOffsets[]): string {
  return join(entries, ({ queueId, offsets }) => `${queueId} ${offsets.join(',')}`);
}

export function decodeMessageOffsets(text: string | undefined): PopMessageOffsets[] {
  return split('msgOffsetInfo', text, (retry, queue, value) => ({
    retry,
    queueId: integer('msgOffsetInfo', queue),
    offsets: value.split(',').map((offset) => integer('msgOffsetInfo', offset)),
  }));
}

/** `0 qo1%10 2;0 1 0`: retry mark, queue and offset or queue alone, count. */
export function encodeOrderCounts(entries: readonly PopOrderCount[]): string {
  return join(entries, ({ queueId, queueOffset, count }) =>
    queueOffset === undefined ? `${queueId} ${count}` : `qo${queueId}%${queueOffset} ${count}`,
  );
}

export function decodeOrderCounts(text: string | undefined): PopOrderCount[] {
  return split('orderCountInfo', text, (retry, queue, value) => {
    const count = integer('orderCountInfo', value);
    const [, queueId, queueOffset] = QUEUE_AND_OFFSET.exec(queue) ?? [];
    if (queueId === undefined || queueOffset === undefined)
      return { retry, queueId: integer('orderCountInfo', queue), count };
    return { retry, queueId: Number(queueId), queueOffset: integer('orderCountInfo', queueOffset), count };
  });
}

function join<T extends PopQueue>(entries: readonly T[], rest: (entry: T) => string): string {
  return entries.map((entry) => `${popRetryMark(entry.retry)} ${rest(entry)}`).join(';');
}

function split<T>(
  field: string,
  text: string | undefined,
  read: (retry: PopRetry, queue: string, value: string) => T,
): T[] {
  if (text === undefined || text === '') return [];
  const entries = text.split(';', MAX_ENTRIES + 1);
  if (entries.length > MAX_ENTRIES) throw invalid(field, `more than ${MAX_ENTRIES} entries`);
  return entries.map((entry) => {
    const [mark = '', queue = '', value = '', ...more] = entry.split(' ');
    const retry = popRetryOfMark(mark);
    if (retry === undefined || more.length > 0) throw invalid(field, JSON.stringify(entry.slice(0, 64)));
    return read(retry, queue, value);
  });
}

function integer(field: string, text: string): number {
  const value = INTEGER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalid(field, JSON.stringify(text.slice(0, 64)));
  return value;
}

function invalid(field: string, what: string): ProtocolError {
  return new ProtocolError('field-invalid', `${field}: ${what} is not what a pop answer holds`);
}
