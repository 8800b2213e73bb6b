import { buildJavaProgram, uniqueName } from '@dt/testkit';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { certificates } from '../certificates.ts';

const project = fileURLToPath(new URL('../../java', import.meta.url));
const CALL_TIMEOUT_MS = 60_000;

const jvmOptions = [
  ...['-Xms64m', '-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'],
  // Members look for changes every 20 s otherwise, and tests would wait for it.
  '-Drocketmq.client.rebalance.waitInterval=1000',
  // A consumer in order that is closed can renew its locks once more after it gave them back, for one of its two
  // schedulers goes on; nobody has such a queue then for a minute. Without renewals tests are not long enough for that.
  '-Drocketmq.client.rebalance.lockInterval=600000',
  // A queue is given away only after this time when its messages were not all done.
  '-Drocketmq.client.unlockDelayTimeMills=500',
  // For parts with "tls"; the mode for tests would trust everybody.
  '-Dtls.test.mode.enable=false',
  ...['-Dtls.client.authServer=true', `-Dtls.client.trustCertPath=${certificates.caFile}`],
  `-Dtls.client.certPath=${certificates.client.certFile}`,
  `-Dtls.client.keyPath=${certificates.client.keyFile}`,
];

export interface JavaMessage {
  topic: string;
  tag?: string;
  /** Separated by spaces. */
  keys?: string;
  body: Buffer;
  /** All of them, those of RocketMQ's own included. */
  properties: Record<string, string>;
  messageId: string;
  queueId: number;
  queueOffset: number;
  reconsumeTimes: number;
  bornTimestamp: number;
  storeTimestamp: number;
}

export interface JavaSendResult {
  status: string;
  messageId: string;
  offsetMessageId: string;
  queueId: number;
  queueOffset: number;
  /** Of a transaction. */
  state?: JavaTransactionState;
}

export interface OutgoingMessage {
  topic: string;
  body: string | Buffer;
  tag?: string;
  keys?: string[];
  shardingKey?: string;
  delayLevel?: number;
  deliverAt?: number;
  properties?: Record<string, string>;
}

export type JavaTransactionState = 'COMMIT_MESSAGE' | 'ROLLBACK_MESSAGE' | 'UNKNOW';

/** One call of a Java listener, with the times of its begin and end. */
export interface JavaCall {
  begin: number;
  end: number;
  good: boolean;
  messages: JavaMessage[];
}

type Json = Record<string, unknown>;
type WireMessage = Omit<JavaMessage, 'body'> & { body: string };

interface Waiting {
  resolve: (result: unknown) => void;
  reject: (error: Error) => void;
}

/** Java's client 5.3.0: one JVM with any number of producers and consumers, told by lines of JSON. */
export class JavaClient implements AsyncDisposable {
  readonly #java: ChildProcessWithoutNullStreams;
  readonly #home: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #listeners = new Map<string, (event: Json) => void>();
  #errors = '';
  #calls = 0;

  /** Builds the program first when it has changed. */
  static async start(): Promise<JavaClient> {
    const { command, classPath } = await buildJavaProgram(project);
    // Logs and offsets of broadcasting consumers go to the home folder.
    const home = await mkdtemp(join(tmpdir(), 'dt-java-client-'));
    const java = spawn(command, [...jvmOptions, `-Duser.home=${home}`, '-cp', classPath, 'foreign.Main']);
    await once(java, 'spawn');
    const client = new JavaClient(java, home);
    await client.call({ do: 'ready' });
    return client;
  }

  private constructor(java: ChildProcessWithoutNullStreams, home: string) {
    this.#java = java;
    this.#home = home;
    // It ends by itself when its standard input does, also when this process is killed.
    java.stdin.on('error', () => undefined);
    java.stderr.on(
      'data',
      (chunk: Buffer) => (this.#errors = (this.#errors + chunk.toString()).slice(-4_000)),
    );
    createInterface({ input: java.stdout }).on('line', (line) => this.#take(JSON.parse(line) as Json));
    java.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(this.#failure('the JVM has ended'));
    });
  }

  async call(request: Json): Promise<unknown> {
    if (this.#java.exitCode !== null) throw this.#failure('the JVM has ended');
    const id = ++this.#calls;
    const timer = setTimeout(() => {
      const what = `${JSON.stringify(request).slice(0, 200)}: no answer within ${CALL_TIMEOUT_MS} ms`;
      this.#waiting.get(id)?.reject(this.#failure(what));
    }, CALL_TIMEOUT_MS);
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        this.#java.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** Opens a part and gives the function that tells it what to do. */
  async open(kind: string, options: Json, onEvent?: (event: Json) => void): Promise<JavaPart> {
    const part = uniqueName(kind);
    if (onEvent) this.#listeners.set(part, onEvent);
    try {
      await this.call({ do: kind, part, ...options });
    } catch (error) {
      await this.call({ do: 'close', part });
      throw error;
    }
    return {
      ask: (what, more = {}) => this.call({ do: what, part, ...more }),
      close: async () => {
        await this.call({ do: 'close', part });
        this.#listeners.delete(part);
      },
    };
  }

  /** When a message got this id, as Java reads it out of the id. */
  async timeOfId(messageId: string): Promise<number> {
    return (await this.call({ do: 'timeOfId', messageId })) as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#java.exitCode === null && this.#java.signalCode === null) {
      const exited = once(this.#java, 'exit');
      this.#java.kill('SIGKILL');
      await exited;
    }
    await rm(this.#home, { recursive: true, force: true });
  }

  #take(line: Json): void {
    if (typeof line['of'] === 'string') return this.#listeners.get(line['of'])?.(line);
    const waiting = this.#waiting.get(Number(line['id']));
    if (typeof line['error'] === 'string') waiting?.reject(new Error(`Java: ${line['error']}`));
    else waiting?.resolve(line['result']);
  }

  #failure(what: string): Error {
    return new Error(`${what}\n${this.#errors}`);
  }
}

export interface JavaPart {
  ask(what: string, more?: Json): Promise<unknown>;
  close(): Promise<void>;
}

export class JavaProducer {
  /** Messages its checker was asked about. */
  readonly checked: JavaMessage[] = [];
  #part: JavaPart | undefined;

  async open(java: JavaClient, options: Json): Promise<void> {
    this.#part = await java.open('producer', options, (event) =>
      this.checked.push(javaMessage(event['message'] as WireMessage)),
    );
  }

  /** `how` is a way of Java's to send: `send`, `sendAsync` or `sendByKey`. */
  async send(message: OutgoingMessage, how = 'send'): Promise<JavaSendResult> {
    return (await this.#ask(how, { message: outgoing(message) })) as JavaSendResult;
  }

  async sendOneWay(message: OutgoingMessage): Promise<void> {
    await this.#ask('sendOneWay', { message: outgoing(message) });
  }

  async sendBatch(messages: readonly OutgoingMessage[]): Promise<JavaSendResult> {
    return (await this.#ask('sendBatch', { messages: messages.map(outgoing) })) as JavaSendResult;
  }

  async sendInTransaction(message: OutgoingMessage, local: JavaTransactionState): Promise<JavaSendResult> {
    return (await this.#ask('sendInTransaction', { message: outgoing(message), local })) as JavaSendResult;
  }

  async request(message: OutgoingMessage, timeoutMs: number): Promise<JavaMessage> {
    return javaMessage(
      (await this.#ask('request', { message: outgoing(message), timeoutMs })) as WireMessage,
    );
  }

  async view(topic: string, messageId: string): Promise<JavaMessage> {
    return javaMessage((await this.#ask('view', { topic, messageId })) as WireMessage);
  }

  async query(topic: string, key: string): Promise<JavaMessage[]> {
    return ((await this.#ask('query', { topic, key })) as WireMessage[]).map(javaMessage);
  }

  async offsets(queue: object, time: number): Promise<{ min: number; max: number; atTime: number }> {
    return (await this.#ask('offsets', { queue, time })) as { min: number; max: number; atTime: number };
  }

  async close(): Promise<void> {
    await this.#part?.close();
  }

  async #ask(what: string, more: Json): Promise<unknown> {
    return this.#part?.ask(what, more);
  }
}

export class JavaConsumer {
  readonly calls: JavaCall[] = [];
  #part: JavaPart | undefined;

  async open(java: JavaClient, options: Json): Promise<void> {
    this.#part = await java.open('consumer', options, (event) => {
      const { begin, end, good, messages } = event as unknown as JavaCall & { messages: WireMessage[] };
      this.calls.push({ begin, end, good, messages: messages.map(javaMessage) });
    });
  }

  /** Of all calls, those that failed, too. */
  get messages(): JavaMessage[] {
    return this.calls.flatMap(({ messages }) => messages);
  }

  get bodies(): string[] {
    return this.messages.map(({ body }) => body.toString());
  }

  /** Ids of the queues of its topic that it has now. */
  async queues(): Promise<number[]> {
    return (await this.#part?.ask('queues')) as number[];
  }

  async close(): Promise<void> {
    await this.#part?.close();
  }
}

export class JavaPullConsumer {
  #part: JavaPart | undefined;

  async open(java: JavaClient, options: Json): Promise<void> {
    this.#part = await java.open('pullConsumer', options);
  }

  async poll(timeoutMs = 1000): Promise<JavaMessage[]> {
    return ((await this.#part?.ask('poll', { timeoutMs })) as WireMessage[]).map(javaMessage);
  }

  async commit(): Promise<void> {
    await this.#part?.ask('commit');
  }

  async seek(queue: object, offset: number): Promise<void> {
    await this.#part?.ask('seek', { queue, offset });
  }

  async committed(queue: object): Promise<number> {
    return (await this.#part?.ask('committed', { queue })) as number;
  }

  async close(): Promise<void> {
    await this.#part?.close();
  }
}

function outgoing(message: OutgoingMessage): Json {
  return { ...message, body: Buffer.from(message.body).toString('base64') };
}

function javaMessage(message: WireMessage): JavaMessage {
  return { ...message, body: Buffer.from(message.body, 'base64') };
}
