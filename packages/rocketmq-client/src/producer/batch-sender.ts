import { encodeBatchBody, type MessageQueue, messageQueueKey, ResponseCode } from '@dt/rocketmq-protocol';
import { SendError } from '../errors.ts';
import { type BatchLimits, planRequests } from './batch-plan.ts';
import { KeyedLanes } from './keyed-lanes.ts';
import { compressBody, type EncodedMessage } from './message.ts';
import { Slab } from './slab.ts';
import { asSendError, resultOf, type SendResult } from './send-result.ts';
import type { SendLimits, Sent } from './send-steps.ts';
import type { Sender } from './sender.ts';
import type { SendTracer } from '../trace/index.ts';

/** A message of a batch on its way. */
export interface BatchItem {
  readonly encoded: EncodedMessage;
  sent(result: SendResult): void;
  failed(error: SendError): void;
}

export interface QueueGroup<Item extends BatchItem = BatchItem> {
  readonly queue: MessageQueue;
  /** Messages that were given a queue may go nowhere else. */
  fixed: boolean;
  readonly items: Item[];
}

/** Sends the messages of one queue with few requests, one at a time a queue, also between calls. */
export class BatchSender {
  readonly #sender: Sender;
  readonly #limits: BatchLimits;
  /** Only with message traces. */
  readonly #tracer: SendTracer | undefined;
  readonly #lanes = new KeyedLanes();
  readonly #slab = new Slab();

  constructor(sender: Sender, limits: BatchLimits, tracer?: SendTracer) {
    this.#sender = sender;
    this.#limits = limits;
    this.#tracer = tracer;
  }

  /** Resolves when every item was told how it went. With `holdBack` nothing is sent after a failure. */
  send(group: QueueGroup, limits: () => SendLimits, holdBack: boolean): Promise<void> {
    return this.#lanes.run(messageQueueKey(group.queue), () => this.#send(group, limits(), holdBack));
  }

  async #send(group: QueueGroup, limits: SendLimits, holdBack: boolean): Promise<void> {
    let failed: SendError | undefined;
    const requests = planRequests(group.items, this.#limits);
    for (let items = requests.shift(); items !== undefined; items = requests.shift()) {
      if (failed !== undefined && holdBack) {
        const text = `not sent, because a message before it in queue ${group.queue.queueId} failed: ${failed.message}`;
        const error = new SendError('held-back', text, { retryable: true, cause: failed });
        for (const item of items) item.failed(error);
        continue;
      }
      try {
        const sent = await this.#sendItems(group, items, limits);
        for (let n = 0; n < items.length; n++) {
          const item = items[n];
          if (item === undefined) continue;
          this.#tracer?.stored(item.encoded, sent, n);
          item.sent(resultOf(sent, item.encoded, n));
        }
      } catch (error) {
        const failure = asSendError(error);
        if (items.length > 1 && isIllegal(failure)) {
          // The batch is too large for this broker, or one message in it is at fault: the others must not share
          // its fate. Nothing was stored, so the order stays.
          const middle = Math.ceil(items.length / 2);
          requests.unshift(items.slice(0, middle), items.slice(middle));
          continue;
        }
        failed = failure;
        for (const item of items) item.failed(failure);
      }
    }
  }

  async #sendItems(group: QueueGroup, items: readonly BatchItem[], limits: SendLimits): Promise<Sent> {
    const { topic } = group.queue;
    const where = { topic, queue: group.fixed ? group.queue : undefined, firstQueue: group.queue };
    const [first] = items;
    if (items.length === 1 && first !== undefined) {
      const { properties } = first.encoded;
      const { body, sysFlag } = await compressBody(first.encoded.body, this.#limits.compressFromBytes);
      return this.#sender.send({ ...where, batch: false, messages: 1, body, properties, sysFlag }, limits);
    }
    // No properties of the batch itself: the broker would append them to every message, and UNIQ_KEY among them
    // would replace the ids of all.
    const body = encodeBatchBody(
      items.map((item) => item.encoded),
      this.#slab.take,
    );
    return this.#sender.send({ ...where, batch: true, messages: items.length, body }, limits);
  }
}

/** The broker will never take it, and has stored nothing of it. */
function isIllegal(error: SendError): boolean {
  return error.responseCode === ResponseCode.MESSAGE_ILLEGAL && error.outcome === 'rejected';
}
