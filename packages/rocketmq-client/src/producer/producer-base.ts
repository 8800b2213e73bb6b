import type { CommandPayload, RemotingCommand } from '@dt/rocketmq-protocol';
import { ClientInstance } from '../client/index.ts';
import { SendError } from '../errors.ts';
import { integer } from '../options.ts';
import { ClosingTime } from '../timing/closing-time.ts';
import { endsWithin } from '../timing/pause.ts';
import type { SendTracer } from '../trace/index.ts';
import { MessageEncoder } from './message-encoder.ts';
import type { CheckedProducerOptions } from './options.ts';
import type { QueueSelector } from './queue-selector.ts';
import { tracesOf } from './send-traces.ts';
import { SendWindow } from './send-window.ts';
import { Sender } from './sender.ts';

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

interface ProducerKind {
  readonly selector: QueueSelector;
  /** Whether every master of the cluster is to know this producer, not only those it sends to. */
  readonly everyMaster: boolean;
}

/** What both kinds of producers are made of: start and end, and the bounds of what is under way in between. */
export abstract class ProducerBase<Options extends CheckedProducerOptions> {
  protected readonly options: Options;
  protected readonly client: ClientInstance;
  protected readonly selector: QueueSelector;
  protected readonly sender: Sender;
  protected readonly encoder: MessageEncoder;
  protected readonly window: SendWindow;
  /** Only with message traces. */
  protected readonly tracer: SendTracer | undefined;
  readonly #flushTraces: ((timeoutMs: number) => Promise<void>) | undefined;
  readonly #closing = new AbortController();
  #state: 'new' | 'started' | 'closed' = 'new';
  #starting: Promise<void> | undefined;
  #ending: Promise<void> | undefined;

  protected constructor(options: Options, { selector, everyMaster }: ProducerKind) {
    this.options = options;
    this.selector = selector;
    this.client = new ClientInstance({
      ...options,
      membership: { producerGroups: [options.group], consumers: [] },
      everyMaster,
      onRequest: (request, address) => this.onRequest(request, address),
    });
    this.sender = new Sender(this.client, selector, options, this.closing);
    this.encoder = new MessageEncoder(options);
    this.window = new SendWindow(options);
    const traces = tracesOf(this.client, options);
    this.tracer = traces?.tracer;
    this.#flushTraces = traces?.flush;
  }

  get clientId(): string {
    return this.client.clientId;
  }

  /** Fails with `name-server-unreachable` when no NameServer answers; it may then be called again. */
  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** Waits for what is under way, rejects what is left in time to leave the group; at most `closeTimeoutMs`. */
  close(): Promise<void> {
    this.#ending ??= this.#close();
    return this.#ending;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Answers a request that a broker started; `undefined` for one it does not know. */
  protected abstract onRequest(
    request: RemotingCommand,
    address: string,
  ): Promise<CommandPayload | undefined>;

  /** Ends all waiting for more. */
  protected drain(): void {}

  /** Resolves when nothing is under way besides calls. */
  protected async settled(): Promise<void> {}

  /** Fires when the time that `close` waits is over, with the error of what is left. */
  protected get closing(): AbortSignal {
    return this.#closing.signal;
  }

  protected checkUsable(): void {
    if (this.#state === 'started') return;
    if (this.#state === 'new')
      throw new SendError('not-started', 'call start() before sending', { retryable: true });
    throw new SendError('closed', 'the producer is closed', { retryable: true });
  }

  /** Of one call with its wait for room. */
  protected limits({ timeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal }): CallLimits {
    const { sendTimeoutMs } = this.options;
    return {
      timeoutMs:
        timeoutMs === undefined
          ? sendTimeoutMs
          : integer('timeoutMs', timeoutMs, sendTimeoutMs, 1, 0x7fffffff),
      signal,
    };
  }

  /** Runs a call when there is room for it. */
  protected async whenRoom<T>(
    messages: number,
    bytes: number,
    limits: CallLimits,
    call: () => Promise<T>,
  ): Promise<T> {
    const room = this.window.enter(messages, bytes, limits);
    if (room !== undefined) await room;
    try {
      return await call();
    } finally {
      this.window.leave(messages, bytes);
    }
  }

  async #start(): Promise<void> {
    if (this.#state === 'closed') throw new SendError('closed', 'the producer is closed');
    await this.client.start();
    if (this.#state === 'new') this.#state = 'started';
  }

  async #close(): Promise<void> {
    const time = new ClosingTime(this.options.closeTimeoutMs, this.options.requestTimeoutMs);
    this.#state = 'closed';
    this.drain();
    await endsWithin(Promise.all([this.window.idle(), this.settled()]), time.settleMs);
    const error = new SendError('closed', 'the producer was closed', { retryable: true });
    this.window.refuseWaiting(error);
    this.#closing.abort(error);
    await this.#flushTraces?.(time.leaveMs / 2);
    await this.client.close(time.leaveMs);
  }
}
