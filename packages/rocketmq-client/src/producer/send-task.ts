import { type RemotingCommand, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { asRocketMQError, type RequestOutcome, type RocketMQError, type SendError } from '../errors.ts';
import type { TopicRoute } from '../routes/index.ts';
import { backoffMs, pause } from '../timing/pause.ts';
import type { AnswerReceiver } from '../transport/index.ts';
import type { QueueSelector } from './queue-selector.ts';
import type { SendLimits, SendRequest, SendSteps, SendTarget, Sent } from './send-steps.ts';

/** Is told how a request ended: one of the two, once. They must not throw. */
export interface SentReceiver {
  stored(sent: Sent): void;
  failed(error: SendError): void;
}

/** What the tries of a sender share. */
export interface SendTools {
  readonly client: ClientInstance;
  readonly steps: SendSteps;
  readonly selector: QueueSelector;
  readonly route: (topic: string) => Promise<TopicRoute>;
  readonly maxAttempts: number;
  readonly retryPauseMs: number;
  readonly closing: AbortSignal;
}

const RANK: Record<RequestOutcome, number> = { 'not-sent': 0, rejected: 1, unknown: 2 };

/**
 * One request with its tries, from call to call without promises: thousands of them are under way at a time, and what a
 * row of async functions keeps for each was most of a producer's memory, and a third of its CPU for collecting it.
 */
export class SendTask implements AnswerReceiver {
  readonly #tools: SendTools;
  readonly #request: SendRequest;
  readonly #limits: SendLimits;
  readonly #deadline: number;
  readonly #receiver: SentReceiver;
  #attempts = 0;
  #outcome: RequestOutcome = 'not-sent';
  /** Broker of the present try, for the next one. */
  #avoid: string | undefined;
  /** Of the present try. */
  #to: SendTarget | undefined;
  #startedAt = 0;
  #wasSentAway = false;

  constructor(tools: SendTools, request: SendRequest, limits: SendLimits, receiver: SentReceiver) {
    this.#tools = tools;
    this.#request = request;
    this.#limits = limits;
    this.#deadline = Date.now() + limits.timeoutMs;
    this.#receiver = receiver;
  }

  /** Begins the next try. */
  next(): void {
    const { client, route } = this.#tools;
    const { topic } = this.#request;
    this.#attempts++;
    this.#to = undefined;
    this.#wasSentAway = false;
    const known = client.routes.peek(topic);
    if (known !== undefined) this.#try(known);
    else
      route(topic).then(
        (found) => this.#try(found),
        (error: unknown) => this.failed(asRocketMQError(error)),
      );
  }

  answered(response: RemotingCommand): void {
    const { steps } = this.#tools;
    const to = this.#to;
    if (to === undefined) return;
    if (response.code === ResponseCode.GO_AWAY && !this.#wasSentAway) {
      // The broker did nothing and takes nothing more over this connection: once more over another.
      this.#wasSentAway = true;
      this.#ask(to);
      return;
    }
    let sent: Sent;
    try {
      sent = steps.sentOf(response, this.#request, to, this.#startedAt);
    } catch (error) {
      this.failed(asRocketMQError(error));
      return;
    }
    steps.note(this.#request, to.queue, this.#startedAt, undefined);
    this.#receiver.stored(sent);
  }

  failed(failure: RocketMQError): void {
    const { steps, maxAttempts } = this.#tools;
    const { topic } = this.#request;
    if (this.#to !== undefined) steps.note(this.#request, this.#to.queue, this.#startedAt, failure);
    if (RANK[failure.outcome] > RANK[this.#outcome]) this.#outcome = failure.outcome;
    if (failure.retryable) steps.refreshRoute(topic, failure);
    if (failure.retryable && this.#attempts < maxAttempts) void this.#again(failure);
    else this.#end(failure);
  }

  #try(route: TopicRoute): void {
    const { steps, selector } = this.#tools;
    const { queue, firstQueue } = this.#request;
    try {
      const given = queue ?? (this.#attempts === 1 ? firstQueue : undefined);
      const chosen = given ?? selector.roundRobin(route.writableQueues, this.#avoid);
      this.#avoid = chosen?.brokerName;
      this.#startedAt = Date.now();
      this.#to = steps.target(this.#request, route, chosen);
    } catch (error) {
      this.failed(asRocketMQError(error));
      return;
    }
    this.#ask(this.#to);
  }

  #ask(to: SendTarget): void {
    const { client, steps } = this.#tools;
    const code = this.#request.batch ? RequestCode.SEND_BATCH_MESSAGE : RequestCode.SEND_MESSAGE_V2;
    const timeoutMs = Math.max(1, this.#deadline - Date.now());
    try {
      const payload = steps.payload(this.#request, to.queue);
      client.ask(to.address, code, payload, { timeoutMs, signal: this.#limits.signal }, this);
    } catch (error) {
      this.failed(asRocketMQError(error));
    }
  }

  /**
   * With growing pauses: a broker that is restarting refuses connections at once, and tries without pauses would be
   * used up in milliseconds.
   */
  async #again(failure: RocketMQError): Promise<void> {
    const { retryPauseMs, closing } = this.#tools;
    const { signal } = this.#limits;
    const ms = backoffMs(this.#attempts + 1, retryPauseMs, retryPauseMs * 20);
    const isOver = (): boolean => closing.aborted || signal?.aborted === true;
    if (Date.now() + ms >= this.#deadline || isOver()) return this.#end(failure);
    await pause(ms, signal, closing);
    if (isOver()) this.#end(failure);
    else this.next();
  }

  #end(failure: RocketMQError): void {
    this.#receiver.failed(
      this.#tools.steps.finalError(this.#request, failure, this.#outcome, this.#attempts),
    );
  }
}
