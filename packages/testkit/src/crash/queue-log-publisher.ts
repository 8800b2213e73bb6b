import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Incarnation } from './incarnation.ts';
import type { QueueLog, QueueLogMessage } from './queue-log.ts';

/**
 * What becomes of one call:
 * - `none`: all is stored, and told;
 * - `throw`: nothing is stored, the call fails;
 * - `partial`: from some message on nothing is stored, and told;
 * - `unknown`: all is stored, but from some message on the sender is told that nobody knows;
 * - `late`: the sender is told that nobody knows, and everything is stored a while afterwards.
 */
export type SendFault = 'none' | 'throw' | 'partial' | 'unknown' | 'late';

export type SendOutcome =
  | { readonly status: 'sent'; readonly messageId: string; readonly queueOffset: number }
  | { readonly status: 'retry' | 'rejected'; readonly error: Error };

export interface QueueLogPublisherOptions {
  readonly log: QueueLog;
  readonly incarnation: Pick<Incarnation<'send'>, 'step' | 'dead'>;
  readonly random: Random;
  /** Asked for each call. */
  readonly fault: () => SendFault;
  readonly isRejected: (messageKey: string) => boolean;
  /** A call takes up to so long. */
  readonly slowestMs: number;
  /** What is still on its way when the sender has long been told, or is dead. */
  readonly onLate: (stored: Promise<void>) => void;
}

/** A sender to a `QueueLog`; dies at the step `send` in the middle of a batch, too. */
export class QueueLogPublisher {
  readonly #options: QueueLogPublisherOptions;

  constructor(options: QueueLogPublisherOptions) {
    this.#options = options;
  }

  publish(messages: readonly QueueLogMessage[]): Promise<SendOutcome[]> {
    return this.#options.incarnation.step('send', () => this.#send(messages));
  }

  async #send(messages: readonly QueueLogMessage[]): Promise<SendOutcome[]> {
    const { log, incarnation, random, fault, isRejected, slowestMs, onLate } = this.#options;
    const what = fault();
    const from = what === 'partial' || what === 'unknown' ? random.below(messages.length) : messages.length;
    const breath = random.below(messages.length + 1);
    if (slowestMs > 0) await pause(random.below(slowestMs + 1));
    if (what === 'throw') throw new Error('the broker is away');
    if (what === 'late') {
      const delayMs = random.between(1, 60);
      onLate(
        pause(delayMs).then(() => {
          for (const message of messages) if (!isRejected(message.messageKey)) log.append(message);
        }),
      );
      return messages.map(() => ({ status: 'retry', error: new Error('no answer in time') }));
    }
    const outcomes: SendOutcome[] = [];
    for (const [index, message] of messages.entries()) {
      // The sender may die here, with a part of the batch stored.
      if (index === breath) await turn();
      if (incarnation.dead) break;
      const told = index < from;
      const rejected = isRejected(message.messageKey);
      const stored = rejected || (!told && what === 'partial') ? undefined : log.append(message);
      if (!told) outcomes.push({ status: 'retry', error: new Error('stored or not, nobody knows') });
      else if (stored === undefined) outcomes.push({ status: 'rejected', error: new Error('refused') });
      else {
        const { queue, offset } = stored;
        outcomes.push({ status: 'sent', messageId: `${queue}-${offset}`, queueOffset: offset });
      }
    }
    return outcomes;
  }
}
