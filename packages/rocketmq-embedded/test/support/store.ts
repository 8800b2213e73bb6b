import { decodeStoredMessages, encodeProperties, type StoredMessage } from '@dt/rocketmq-protocol';
import { onTestFinished } from 'vitest';
import { silentLogger } from '../../src/logger.ts';
import { encodeHost } from '../../src/server/index.ts';
import { MessageStore, type MessageStoreOptions, type NewMessage } from '../../src/store/index.ts';

export const MIB = 1024 * 1024;
export const LIMITS = { maxCount: 32, maxBytes: 256 * 1024, maxScan: 16_000 };

export function storeOptions(
  folder: string,
  options: Partial<MessageStoreOptions> = {},
): MessageStoreOptions {
  return {
    folder,
    storeHost: encodeHost('127.0.0.1', 10_911),
    flush: 'async',
    segmentBytes: 64 * MIB,
    maxPendingBytes: 64 * MIB,
    retentionMs: Number.MAX_SAFE_INTEGER,
    maxLogBytes: Number.MAX_SAFE_INTEGER,
    onDamage: 'serve-rest',
    logger: silentLogger,
    ...options,
  };
}

export async function openStore(
  folder: string,
  options: Partial<MessageStoreOptions> = {},
): Promise<MessageStore> {
  const store = await MessageStore.open(storeOptions(folder, options));
  onTestFinished(() => store.close());
  return store;
}

export function message(
  body: string | Buffer,
  options: Partial<Omit<NewMessage, 'properties'>> & { properties?: Record<string, string> } = {},
): NewMessage {
  const { properties = {}, ...fields } = options;
  return {
    queueId: 0,
    flag: 0,
    sysFlag: 0,
    bornTimestamp: 1_700_000_000_000,
    bornHost: encodeHost('127.0.0.1', 50_000),
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    ...fields,
    body: Buffer.from(body as string),
    properties: encodeProperties(properties),
  };
}

export async function put(store: MessageStore, topic: string, ...messages: NewMessage[]): Promise<void> {
  for (const each of messages) store.append(topic, each);
  await store.committed();
}

/** All messages of a queue from an offset on. */
export async function readAll(
  store: MessageStore,
  topic: string,
  queueId = 0,
  from?: number,
): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  let offset = from ?? store.minOffset(topic, queueId);
  for (;;) {
    const read = await store.read(topic, queueId, offset, LIMITS);
    if (read.status !== 'FOUND') return messages;
    messages.push(...decodeStoredMessages(read.body));
    offset = read.nextOffset;
  }
}

export function bodies(messages: readonly StoredMessage[]): string[] {
  return messages.map((each) => each.body.toString());
}
