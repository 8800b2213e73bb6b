import { RequestCode } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { asRocketMQError, beforeSending } from '../errors.ts';
import type { TopicRoute } from '../routes/index.ts';
import type { QueueSelector } from './queue-selector.ts';
import { type SenderOptions, type SendLimits, type SendRequest, SendSteps, type Sent } from './send-steps.ts';
import { SendTask, type SendTools, type SentReceiver } from './send-task.ts';

/** Sends requests and tries again where that can help. */
export class Sender {
  readonly #client: ClientInstance;
  readonly #options: SenderOptions;
  readonly #selector: QueueSelector;
  readonly #steps: SendSteps;
  readonly #tools: SendTools;

  constructor(client: ClientInstance, selector: QueueSelector, options: SenderOptions, closing: AbortSignal) {
    this.#client = client;
    this.#selector = selector;
    this.#options = options;
    this.#steps = new SendSteps(client, selector, options, closing);
    const { maxAttempts, retryPauseMs } = options;
    const route = (topic: string): Promise<TopicRoute> => this.route(topic);
    this.#tools = {
      ...{ client, selector, steps: this.#steps, route },
      ...{ maxAttempts, retryPauseMs, closing },
    };
  }

  /** The route where it is known already. */
  cachedRoute(topic: string): TopicRoute | undefined {
    return this.#client.routes.peek(topic);
  }

  route(topic: string): Promise<TopicRoute> {
    return beforeSending(this.#client.routes.getForSend(topic, this.#options.defaultTopicQueueNums));
  }

  /** Tries at most `maxAttempts` times within the time-out. */
  send(request: SendRequest, limits: SendLimits): Promise<Sent> {
    return new Promise((resolve, reject) => this.start(request, limits, { stored: resolve, failed: reject }));
  }

  /** The same without a promise. */
  start(request: SendRequest, limits: SendLimits, receiver: SentReceiver): void {
    new SendTask(this.#tools, request, limits, receiver).next();
  }

  /** Hands a message to the socket, once: nothing tells whether a repetition would be a second copy. */
  async sendOneWay(request: SendRequest, given: SendLimits): Promise<void> {
    const deadline = Date.now() + given.timeoutMs;
    const steps = this.#steps;
    try {
      const route = await this.route(request.topic);
      const queue = request.queue ?? this.#selector.roundRobin(route.writableQueues);
      const to = steps.target(request, route, queue);
      const startedAt = Date.now();
      try {
        const limits = { timeoutMs: Math.max(1, deadline - startedAt), signal: given.signal };
        const payload = steps.payload(request, to.queue);
        await this.#client.sendOneway(to.address, RequestCode.SEND_MESSAGE_V2, payload, limits);
        steps.note(request, to.queue, startedAt, undefined);
      } catch (error) {
        steps.note(request, to.queue, startedAt, error);
        throw error;
      }
    } catch (error) {
      const failure = asRocketMQError(error);
      steps.refreshRoute(request.topic, failure);
      throw steps.finalError(request, failure, failure.outcome, 1);
    }
  }
}
