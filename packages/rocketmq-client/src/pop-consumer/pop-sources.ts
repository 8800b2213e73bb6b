import type { SubscriptionData } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { MAX_BODY_OUT_BYTES } from '../compression/index.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { Gate } from '../timing/gate.ts';
import { linkedSignal } from '../timing/linked-signal.ts';
import { pause } from '../timing/pause.ts';
import { type PoppedEntry, readBody, type UnreadEntry } from './popped-message.ts';
import { popFrom, type PopperOptions, type PopTarget } from './popper.ts';

export interface PopSourcesOptions extends PopperOptions {
  batchSize: number;
  pollMs: number;
  logger: Logger;
}

export interface PopSourcesParts {
  /** Messages of another tag with the same hash. */
  onUnwanted: (entries: PoppedEntry[]) => void;
  /** Messages lie here now. */
  onArrival: (topic: string) => void;
}

export interface TakeOptions {
  maxMessages: number;
  waitMs: number;
  signal: AbortSignal;
}

/** A topic that does not exist yet, or has lost its brokers, is looked up again after this. */
const LOOK_UP_PAUSE_MS = 1000;
/** Between two requests to a broker that have no message. */
const MIN_WAIT_MS = 50;
/** Nothing gets better by asking again. */
const FINAL_CODES: ReadonlySet<string> = new Set(['access-denied', 'tls-failed']);

/**
 * Pops at all brokers of the topics at once, one request a topic and broker at a time. What comes while nobody waits is
 * kept for who asks next: at most one answer of each.
 */
export class PopSources {
  readonly #client: ClientInstance;
  readonly #subscriptions: readonly SubscriptionData[];
  readonly #options: PopSourcesOptions;
  readonly #parts: PopSourcesParts;
  readonly #polls = new Map<string, Promise<void>>();
  readonly #changed = new Gate();
  #ready: UnreadEntry[] = [];
  #failures = new Map<string, RocketMQError>();
  /** Fires with the end of the consumer: requests under way end. */
  readonly #closing: AbortSignal;

  constructor(
    client: ClientInstance,
    subscriptions: readonly SubscriptionData[],
    options: PopSourcesOptions,
    closing: AbortSignal,
    parts: PopSourcesParts,
  ) {
    this.#client = client;
    this.#subscriptions = subscriptions;
    this.#options = options;
    this.#closing = closing;
    this.#parts = parts;
  }

  /**
   * Resolves with messages as soon as there are any, with none when the time is over. Fails when every broker failed,
   * or at once when one refuses the credentials.
   */
  async take(options: TakeOptions): Promise<PoppedEntry[]> {
    const { signal: stop, unlink } = linkedSignal([options.signal, this.#closing]);
    try {
      return await this.#take(options, stop);
    } finally {
      unlink();
    }
  }

  /** What came while nobody waited. */
  get ready(): PoppedEntry[] {
    return this.#ready.map(({ entry }) => entry);
  }

  /** Resolves when no request is under way; what they brought is forgotten. */
  async idle(): Promise<void> {
    await Promise.all(this.#polls.values());
    this.#ready = [];
  }

  async #take({ maxMessages, waitMs, signal }: TakeOptions, stop: AbortSignal): Promise<PoppedEntry[]> {
    const deadline = Date.now() + waitMs;
    this.#failures = new Map();
    /** Requests of this call; brokers end them on time. */
    const mine = new Set<string>();
    for (let isFirst = true; ; isFirst = false) {
      this.#throwWhenOver(signal);
      const targets = await this.#targets();
      const ready = await this.#takeReady(maxMessages);
      if (ready.length > 0) return ready;
      const leftMs = Math.max(0, deadline - Date.now());
      if (leftMs > 0 || isFirst) this.#poll(targets, mine, maxMessages, leftMs);
      this.#throwFailure(targets);
      if (leftMs === 0 && mine.size === 0) return [];
      const hasToLook = targets.length === 0 && leftMs > LOOK_UP_PAUSE_MS;
      const limitMs = hasToLook ? LOOK_UP_PAUSE_MS : leftMs;
      await this.#changed.wait(stop, limitMs > 0 ? limitMs : undefined);
    }
  }

  /** With their bodies; fewer when these become so large that all together would take too much. */
  async #takeReady(maxMessages: number): Promise<PoppedEntry[]> {
    const now = Date.now();
    // What lay here for too long is somebody else's by now.
    this.#ready = this.#ready.filter(({ entry }) => entry.message.invisibleUntil > now);
    const taken: PoppedEntry[] = [];
    for (let bytes = 0; taken.length < maxMessages && bytes < MAX_BODY_OUT_BYTES;) {
      const next = this.#ready.shift();
      if (next === undefined) break;
      const entry = await readBody(next);
      taken.push(entry);
      bytes += entry.sizeBytes;
    }
    return taken;
  }

  #throwWhenOver(signal: AbortSignal): void {
    if (this.#closing.aborted) throw new RocketMQError('closed', 'the consumer is closed');
    if (signal.aborted) throw new RocketMQError('aborted', 'aborted by the caller', { cause: signal.reason });
  }

  #throwFailure(targets: readonly PopTarget[]): void {
    for (const failure of this.#failures.values()) if (FINAL_CODES.has(failure.code)) throw failure;
    const [first] = this.#failures.values();
    if (first !== undefined && targets.every((target) => this.#failures.has(keyOf(target)))) throw first;
  }

  /** Every broker that has queues of a topic; topics that do not exist yet have none. */
  async #targets(): Promise<PopTarget[]> {
    const targets: PopTarget[] = [];
    for (const subscription of this.#subscriptions) {
      try {
        const { readableQueues } = await this.#client.routes.get(subscription.topic);
        const names = new Set(readableQueues.map(({ brokerName }) => brokerName));
        for (const brokerName of names) targets.push({ subscription, brokerName });
      } catch (error) {
        if (!(error instanceof RocketMQError) || error.code !== 'topic-not-found') throw error;
      }
    }
    return targets;
  }

  #poll(targets: readonly PopTarget[], mine: Set<string>, maxMessages: number, waitMs: number): void {
    for (const target of targets) {
      const key = keyOf(target);
      if (this.#polls.has(key) || this.#failures.has(key)) continue;
      mine.add(key);
      const poll = this.#pollOnce(target, maxMessages, waitMs).finally(() => {
        mine.delete(key);
        this.#polls.delete(key);
        this.#changed.open();
      });
      this.#polls.set(key, poll);
    }
  }

  async #pollOnce(target: PopTarget, maxMessages: number, waitMs: number): Promise<void> {
    const { batchSize, pollMs, logger } = this.#options;
    const startedAt = Date.now();
    try {
      const { wanted, unwanted } = await popFrom(this.#client, target, this.#options, {
        maxMessages: Math.min(maxMessages, batchSize),
        waitMs: Math.min(waitMs, pollMs),
        signal: this.#closing,
      });
      this.#ready.push(...wanted);
      if (wanted.length > 0) this.#parts.onArrival(target.subscription.topic);
      if (unwanted.length > 0) this.#parts.onUnwanted(unwanted.map(({ entry }) => entry));
      // A broker that does not wait is not asked without a pause.
      const isEarly = wanted.length === 0 && Date.now() - startedAt < Math.min(waitMs, MIN_WAIT_MS);
      if (isEarly) await pause(MIN_WAIT_MS, this.#closing);
    } catch (error) {
      if (this.#closing.aborted) return;
      const failure = asRocketMQError(error);
      this.#failures.set(keyOf(target), failure);
      const { topic } = target.subscription;
      logger.warn('pop failed', { topic, brokerName: target.brokerName, error: failure.message });
    }
  }
}

function keyOf({ subscription, brokerName }: PopTarget): string {
  return `${subscription.topic}@${brokerName}`;
}
