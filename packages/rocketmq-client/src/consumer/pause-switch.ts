import { type MessageQueue, messageQueueKey } from '@dt/rocketmq-protocol';
import { Gate } from '../timing/gate.ts';

/** Which queues are paused: all but some, or none but some. Holds also for queues that come later. */
export class PauseSwitch {
  #isAll = false;
  #exceptions = new Set<string>();
  readonly #changed = new Gate();

  /** Without queues: all, also those named before. */
  set(isPaused: boolean, queues?: readonly MessageQueue[]): void {
    if (queues === undefined) {
      this.#isAll = isPaused;
      this.#exceptions = new Set();
    }
    for (const queue of queues ?? []) {
      if (isPaused === this.#isAll) this.#exceptions.delete(messageQueueKey(queue));
      else this.#exceptions.add(messageQueueKey(queue));
    }
    this.#changed.open();
  }

  isPaused(queue: MessageQueue): boolean {
    return this.#isAll !== this.#exceptions.has(messageQueueKey(queue));
  }

  /** Resolves with the next change, or when the signal fires. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#changed.wait(signal);
  }
}
