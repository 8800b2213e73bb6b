import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type MessageQueue, messageQueueKey } from '@dt/rocketmq-protocol';
import { messageOf, RocketMQError } from '../errors.ts';
import { Coalesced } from '../timing/coalesced.ts';
import type { OffsetStore, StoredQueueOffset } from './offset-store.ts';

const VERSION = 1;
/** Queues in one file. */
const MAX_QUEUES = 65_536;
const MAX_FILE_BYTES = 32 * 1024 * 1024;

/**
 * Offsets in a JSON file, for one consumer: two that share a file overwrite each other. Every change replaces the
 * file as a whole, so that a crash leaves the old one or the new one. A file that is not there is an empty one; its
 * folder is made when needed.
 *
 * @throws RocketMQError `offset-store-failed` when the file cannot be read or is damaged; it stays as it is.
 */
export async function fileOffsetStore(path: string): Promise<OffsetStore> {
  return new FileOffsetStore(path, await readOffsets(path));
}

class FileOffsetStore implements OffsetStore {
  readonly #path: string;
  readonly #offsets: Map<string, StoredQueueOffset>;
  readonly #writes = new Coalesced(() => this.#write());

  constructor(path: string, offsets: Map<string, StoredQueueOffset>) {
    this.#path = path;
    this.#offsets = offsets;
  }

  load(queue: MessageQueue): Promise<number | undefined> {
    return Promise.resolve(this.#offsets.get(messageQueueKey(queue))?.offset);
  }

  async save(entries: readonly StoredQueueOffset[]): Promise<void> {
    for (const { queue, offset } of entries) {
      const key = messageQueueKey(queue);
      if (!this.#offsets.has(key) && this.#offsets.size >= MAX_QUEUES) {
        throw failure(this.#path, `it holds ${MAX_QUEUES} queues already`);
      }
      this.#offsets.set(key, { queue, offset });
    }
    await this.#writes.run();
  }

  async #write(): Promise<void> {
    const offsets = [...this.#offsets.values()].map(({ queue: { topic, brokerName, queueId }, offset }) => ({
      ...{ topic, brokerName, queueId, offset },
    }));
    try {
      await replaceFile(this.#path, `${JSON.stringify({ version: VERSION, offsets }, undefined, 1)}\n`);
    } catch (error) {
      throw failure(this.#path, messageOf(error), error);
    }
  }
}

async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.new`;
  const file = await open(draft, 'w');
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}

async function readOffsets(path: string): Promise<Map<string, StoredQueueOffset>> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw failure(path, `${size} bytes are more than ${MAX_FILE_BYTES}`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof RocketMQError) throw error;
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new Map();
    throw failure(path, messageOf(error), error);
  }
  try {
    return parseOffsets(JSON.parse(text));
  } catch (error) {
    throw failure(path, `it is damaged: ${messageOf(error)}`, error);
  }
}

function parseOffsets(document: unknown): Map<string, StoredQueueOffset> {
  if (!isRecord(document) || document['version'] !== VERSION || !Array.isArray(document['offsets'])) {
    throw new Error(`expected { "version": ${VERSION}, "offsets": [...] }`);
  }
  const offsets = new Map<string, StoredQueueOffset>();
  for (const [index, entry] of (document['offsets'] as unknown[]).entries()) {
    const stored = parseEntry(entry);
    const key = stored && messageQueueKey(stored.queue);
    if (stored === undefined || key === undefined || offsets.has(key)) {
      throw new Error(`entry ${index} is not the offset of a queue, or its queue comes twice`);
    }
    offsets.set(key, stored);
  }
  if (offsets.size > MAX_QUEUES) throw new Error(`more than ${MAX_QUEUES} queues`);
  return offsets;
}

function parseEntry(entry: unknown): StoredQueueOffset | undefined {
  if (!isRecord(entry)) return undefined;
  const { topic, brokerName, queueId, offset } = entry;
  if (typeof topic !== 'string' || typeof brokerName !== 'string') return undefined;
  if (!isCount(queueId) || !isCount(offset)) return undefined;
  return { queue: { topic, brokerName, queueId }, offset };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function failure(path: string, what: string, cause?: unknown): RocketMQError {
  return new RocketMQError('offset-store-failed', `offsets file ${path}: ${what}`, {
    ...(cause === undefined ? {} : { cause }),
  });
}
