import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Incarnation } from './incarnation.ts';
import type { QueueLog, QueueLogEntry } from './queue-log.ts';

export interface QueueLogConsumerOptions {
  readonly log: QueueLog;
  readonly incarnation: Pick<Incarnation<'receive' | 'ack'>, 'step' | 'onDeath'>;
  readonly name: string;
  readonly batchSize: number;
  readonly random: Random;
  /** How often a batch begins with messages that were acknowledged already. */
  readonly duplicateChance: number;
  /** A batch of one queue, in order; the same again when it rejects, before anything that follows. */
  readonly receive: (batch: readonly QueueLogEntry[]) => Promise<void>;
}

const RETRY_PAUSE_MS = 10;

/** A member of the consumer group of a `QueueLog`: one batch at a time of each queue it owns. */
export class QueueLogConsumer {
  readonly #options: QueueLogConsumerOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(options: QueueLogConsumerOptions) {
    this.#options = options;
    const { log, name, incarnation } = options;
    log.join(name);
    incarnation.onDeath(() => {
      this.#stop.abort();
      log.leave(name);
    });
    this.#running = Promise.all(Array.from({ length: log.queueCount }, (_, queue) => this.#serve(queue)));
  }

  /** Ends the batches under way, then leaves the group. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    this.#options.log.leave(this.#options.name);
  }

  async #serve(queue: number): Promise<void> {
    const { log, name, incarnation, batchSize, random, duplicateChance, receive } = this.#options;
    const { signal } = this.#stop;
    const stopped = new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    let position: number | undefined;
    let resets = 0;
    while (!signal.aborted) {
      const { changed } = log;
      if (log.ownerOf(queue) !== name) {
        position = undefined;
        await Promise.race([changed, stopped]);
        continue;
      }
      if (resets !== log.resetsOf(queue)) position = undefined;
      resets = log.resetsOf(queue);
      position ??= log.committed(queue);
      const fresh = log.fetch(queue, position, batchSize);
      if (fresh.length === 0) {
        // The last owner may have committed an older offset after ours; RocketMQ's clients tell theirs again and again.
        if (log.committed(queue) < position) log.commit(queue, position);
        await Promise.race([changed, stopped]);
        continue;
      }
      const back = random.chance(duplicateChance) ? random.below(Math.min(position, 4) + 1) : 0;
      const batch = [...log.fetch(queue, position - back, back), ...fresh];
      try {
        await incarnation.step('receive', async () => {});
        await receive(batch);
        position += fresh.length;
        const end = position;
        // A reset that came meanwhile is not undone.
        await incarnation.step('ack', async () => {
          if (resets === log.resetsOf(queue)) log.commit(queue, end);
        });
      } catch {
        await Promise.race([pause(RETRY_PAUSE_MS), stopped]);
      }
    }
  }
}
