import { encodeMessageTrace, type MessageTrace } from '@dt/rocketmq-protocol';
import { type ClientInstance, messageIds } from '../client/index.ts';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { encodeMessage, type EncodedMessage } from '../producer/message.ts';
import { QueueSelector } from '../producer/queue-selector.ts';
import { Sender } from '../producer/sender.ts';
import { endsWithin } from '../timing/pause.ts';

export interface TraceDispatcherOptions {
  /** Where traces go. */
  topic: string;
  /** Of the producer or consumer that is traced. */
  group: string;
  /** What it is: part of the group that traces are sent under. */
  role: 'P' | 'C';
  logger: Logger;
}

/** Records waiting to be sent; one more is dropped: a trace must not hold up what it traces. */
const MAX_WAITING = 2048;
/** Records in one message. */
const MAX_RECORDS = 100;
/** Bytes of one message, about. */
const MAX_CHARS = 100_000;
const LINGER_MS = 500;
const SEND_TIMEOUT_MS = 5000;

/** Sends records of message traces, gathered, and lets nobody wait for them or fail by them. */
export class TraceDispatcher {
  readonly #topic: string;
  readonly #logger: Logger;
  readonly #sender: Sender;
  readonly #closing = new AbortController();
  readonly #nextMessageId = messageIds();
  #waiting: { text: string; keys: string[] }[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(client: ClientInstance, { topic, group, role, logger }: TraceDispatcherOptions) {
    this.#topic = topic;
    this.#logger = logger;
    const traceGroup = `_INNER_TRACE_PRODUCER-${group}-${role}`;
    const options = { group: traceGroup, maxAttempts: 3, retryPauseMs: 200, defaultTopicQueueNums: 4 };
    this.#sender = new Sender(client, new QueueSelector(), options, this.#closing.signal);
  }

  /** An id that joins the records of one handler call. */
  nextRequestId(): string {
    return this.#nextMessageId();
  }

  add(trace: MessageTrace): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#dropped++;
      return;
    }
    const keys = [trace.messageId, ...trace.keys.split(' ')].filter((key) => key !== '');
    this.#waiting.push({ text: encodeMessageTrace(trace), keys });
    if (this.#waiting.length >= MAX_RECORDS) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), LINGER_MS).unref();
  }

  /** Sends what waits, at most `timeoutMs`. Before the client is closed. */
  async close(timeoutMs: number): Promise<void> {
    this.#flush();
    if (this.#sending !== undefined) await endsWithin(this.#sending, timeoutMs);
    clearTimeout(this.#timer);
    this.#closing.abort();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined));
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#closing.signal.aborted) {
      const records = this.#take();
      try {
        const { topic, body, properties } = this.#encoded(records);
        const request = { topic, body, properties, batch: false, messages: 1 };
        await this.#sender.send(request, { timeoutMs: SEND_TIMEOUT_MS });
      } catch (error) {
        this.#logger.warn('message traces lost', { records: records.length, error: messageOf(error) });
      }
    }
    if (this.#dropped > 0) {
      this.#logger.warn('message traces dropped: too many wait', { records: this.#dropped });
      this.#dropped = 0;
    }
  }

  #take(): { text: string; keys: string[] }[] {
    let count = 0;
    let chars = 0;
    while (count < Math.min(this.#waiting.length, MAX_RECORDS)) {
      chars += this.#waiting[count]?.text.length ?? 0;
      if (count > 0 && chars > MAX_CHARS) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  #encoded(records: readonly { text: string; keys: string[] }[]): EncodedMessage {
    const body = records.map(({ text }) => text).join('');
    const message = { topic: this.#topic, body };
    // The ids and keys of the messages find their traces.
    const keys = [...new Set(records.flatMap((record) => record.keys))];
    try {
      return encodeMessage({ ...message, keys }, this.#nextMessageId());
    } catch {
      return encodeMessage(message, this.#nextMessageId());
    }
  }
}
