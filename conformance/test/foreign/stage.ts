import {
  Admin,
  PopConsumer,
  Producer,
  PullConsumer,
  PushConsumer,
  TransactionProducer,
  type MessageHandler,
  type ReceivedMessage,
} from '@dt/rocketmq-client';
import { quickBroker, RawConnection, startBroker, uniqueName } from '@dt/testkit';
import { makeTopic, rocketmq } from '../wire.ts';
import { type JavaClient, JavaConsumer, JavaProducer, JavaPullConsumer } from './java-client.ts';

/** A RocketMQ that foreign clients are held to. */
export interface Target {
  nameServer: string;
  brokerAddress: string;
  close(): Promise<void>;
}

/** The one of the run, and the embedded one, which has to be the same to them. */
export const targets = ['real', 'embedded'] as const;

export async function openTarget(name: (typeof targets)[number]): Promise<Target> {
  if (name === rocketmq.target) return { ...rocketmq, close: async () => undefined };
  return startBroker(name, quickBroker);
}

type Options<Part extends abstract new (options: never) => unknown> = Partial<ConstructorParameters<Part>[0]>;
type ConsumerOptions = Options<typeof PushConsumer> & {
  topic: string;
  expression?: string;
  /** Messages that came less often again fail. @default 0 */
  failures?: number;
};

/** Options of the Java consumer, as the program in conformance/java has them. */
export interface JavaConsumerOptions {
  group?: string;
  topic: string;
  expression?: string;
  sql?: boolean;
  orderly?: boolean;
  broadcasting?: boolean;
  pop?: boolean;
  replies?: boolean;
  failures?: number;
  workMs?: number;
  batchSize?: number;
  maxReconsumeTimes?: number;
  allocate?: 'average' | 'averageByCircle' | 'consistentHash';
  trace?: boolean;
  tls?: boolean;
  accessKey?: string;
  secretKey?: string;
  namespace?: string;
}

/** What a consumer of ours was given, call by call, with the times of begin and end. */
export class OurConsumer {
  readonly calls: { begin: number; end: number; messages: readonly ReceivedMessage[] }[] = [];
  consumer: PushConsumer | undefined;

  get messages(): ReceivedMessage[] {
    return this.calls.flatMap(({ messages }) => messages);
  }

  get bodies(): string[] {
    return this.messages.map(({ body }) => body.toString());
  }

  queues(topic: string): number[] {
    const all = this.consumer?.queues ?? [];
    return all.filter((queue) => queue.topic === topic).map(({ queueId }) => queueId);
  }

  async close(): Promise<void> {
    await this.consumer?.close();
  }
}

/**
 * Clients of both kinds at one RocketMQ for as long as a test runs. Tests run side by side: nothing here belongs to
 * "the current test".
 */
export class Stage implements AsyncDisposable {
  readonly target: Target;
  readonly java: JavaClient;
  readonly #open: { close(): Promise<void> }[] = [];

  constructor(target: Target, java: JavaClient) {
    this.target = target;
    this.java = java;
  }

  async topic(queues: number): Promise<string> {
    await using broker = await RawConnection.open(this.target.brokerAddress);
    return await makeTopic(broker, queues);
  }

  javaProducer(options: object = {}): Promise<JavaProducer> {
    const producer = new JavaProducer();
    return this.#started(producer, () =>
      producer.open(this.java, { ...this.#nameServer, group: uniqueName('producer'), ...options }),
    );
  }

  javaConsumer(options: JavaConsumerOptions): Promise<JavaConsumer> {
    const consumer = new JavaConsumer();
    return this.#started(consumer, () =>
      consumer.open(this.java, { ...this.#nameServer, group: uniqueName('group'), ...options }),
    );
  }

  javaPullConsumer(options: object): Promise<JavaPullConsumer> {
    const consumer = new JavaPullConsumer();
    return this.#started(consumer, () =>
      consumer.open(this.java, { ...this.#nameServer, group: uniqueName('group'), ...options }),
    );
  }

  producer(options: Options<typeof Producer> = {}): Promise<Producer> {
    const producer = new Producer({ ...this.#ours, group: uniqueName('producer'), ...options });
    return this.#started(producer, () => producer.start());
  }

  transactionProducer(
    options: Options<typeof TransactionProducer> &
      Pick<ConstructorParameters<typeof TransactionProducer>[0], 'checker'>,
  ): Promise<TransactionProducer> {
    const producer = new TransactionProducer({ ...this.#ours, group: uniqueName('producer'), ...options });
    return this.#started(producer, () => producer.start());
  }

  async consumer(
    { topic, expression = '*', failures = 0, ...options }: ConsumerOptions,
    work: MessageHandler = async () => undefined,
  ): Promise<OurConsumer> {
    const ours = new OurConsumer();
    const consumer = new PushConsumer({
      ...{ ...this.#ours, group: uniqueName('group'), from: 'first', commitIntervalMs: 500 },
      ...{ rebalanceIntervalMs: 1000, subscriptions: [{ topic, expression }], ...options },
      handler: async (messages, context) => {
        const begin = Date.now();
        await work(messages, context);
        ours.calls.push({ begin, end: Date.now(), messages });
        return { failed: messages.filter(({ reconsumeTimes }) => reconsumeTimes < failures) };
      },
    });
    ours.consumer = consumer;
    return this.#started(ours, () => consumer.start());
  }

  pullConsumer(options: Options<typeof PullConsumer>): Promise<PullConsumer> {
    const consumer = new PullConsumer({ ...this.#ours, group: uniqueName('group'), ...options });
    return this.#started(consumer, () => consumer.start());
  }

  popConsumer(options: ConstructorParameters<typeof PopConsumer>[0]): Promise<PopConsumer> {
    const consumer = new PopConsumer({ ...this.#ours, ...options });
    return this.#started(consumer, () => consumer.start());
  }

  admin(): Promise<Admin> {
    const admin = new Admin({ nameServers: this.target.nameServer });
    return this.#started(admin, () => admin.start());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.map((part) => part.close()));
  }

  get #nameServer(): { nameServer: string } {
    return { nameServer: this.target.nameServer };
  }

  get #ours(): { nameServers: string; heartbeatMs: number; routeRefreshMs: number } {
    return { nameServers: this.target.nameServer, heartbeatMs: 1000, routeRefreshMs: 1000 };
  }

  /** Closed at the end of the test, also when it does not start. */
  async #started<Part extends { close(): Promise<void> }>(
    part: Part,
    start: () => Promise<void>,
  ): Promise<Part> {
    this.#open.push(part);
    await start();
    return part;
  }
}
