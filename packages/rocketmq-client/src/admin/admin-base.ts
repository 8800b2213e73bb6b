import { type BrokerData, commands, MASTER_ID, type MessageQueue, ResponseCode } from '@dt/rocketmq-protocol';
import { ClientInstance, type RequestOptions } from '../client/index.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import { checkNamespace, type ClientOptions, checkClientOptions, invalidOption } from '../options.ts';
import type { TopicRoute } from '../routes/index.ts';
import type { InvokeOptions } from '../transport/index.ts';
import { Names } from './names.ts';

export interface AdminOptions extends ClientOptions {
  /**
   * Topics and groups carry it on the wire, `NAMESPACE%topic`. Names and queues are taken and given without it, and lists
   * of topics and groups have only those of the namespace.
   * @default none
   */
  namespace?: string;
}

export type ClusterInfo = commands.ClusterInfo;

/** Which brokers a change is for: one of the two, or none for every master of every cluster. */
export interface BrokerChoice {
  /** Only the masters of this cluster. @default all clusters */
  clusterName?: string | undefined;
  /** Only the broker at this `host:port`. @default all brokers of the cluster */
  brokerAddress?: string | undefined;
}

/** Which brokers are asked about a topic. */
export interface AskedBrokers extends RequestOptions {
  /** The masters of this cluster. @default those that the topic's route names */
  clusterName?: string | undefined;
}

/** What all areas of the admin client stand on: the connection to a cluster, and who its brokers are. */
export abstract class AdminBase {
  protected readonly client: ClientInstance;
  protected readonly names: Names;
  readonly #requestTimeoutMs: number;

  constructor(options: AdminOptions) {
    const checked = checkClientOptions(options);
    this.names = new Names(checkNamespace(options.namespace));
    this.#requestTimeoutMs = checked.requestTimeoutMs;
    this.client = new ClientInstance(checked);
  }

  /** Fails with `name-server-unreachable` when no NameServer answers. */
  start(): Promise<void> {
    return this.client.start();
  }

  close(): Promise<void> {
    return this.client.close(this.#requestTimeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** All brokers and clusters, as a NameServer knows them. */
  clusterInfo(options: RequestOptions = {}): Promise<ClusterInfo> {
    return this.client.requestNameServer(commands.getBrokerClusterInfo, {}, options);
  }

  /** Looked up now. Fails with `topic-not-found`. */
  async topicRoute(topic: string): Promise<TopicRoute> {
    const route = await this.client.routes.refresh(this.names.onWire(topic));
    return {
      ...route,
      topic: this.names.within(route.topic),
      writableQueues: route.writableQueues.map((queue) => this.names.queueWithin(queue)),
      readableQueues: route.readableQueues.map((queue) => this.names.queueWithin(queue)),
    };
  }

  /** For requests whose answer is looked at whatever its code. */
  protected invokeOptions({ timeoutMs, signal }: RequestOptions): InvokeOptions {
    return { timeoutMs: timeoutMs ?? this.#requestTimeoutMs, signal };
  }

  /** The answers of every master of a topic, in the order of the route. */
  protected async ofEveryMaster<T>(
    topic: string,
    request: (address: string) => Promise<T>,
    asked: AskedBrokers = {},
  ): Promise<T[]> {
    return Promise.all(mastersOf(await this.brokersOf(topic, asked)).map(request));
  }

  /** The brokers to ask about a topic. */
  protected async brokersOf(topic: string, { clusterName, ...options }: AskedBrokers): Promise<BrokerData[]> {
    if (clusterName !== undefined) return this.masterBrokers(clusterName, options);
    return [...(await this.topicRoute(topic)).brokers.values()];
  }

  /** Addresses of the brokers that are meant. Fails with `broker-not-found` when there are none. */
  protected async masters(choice: BrokerChoice, options: RequestOptions): Promise<string[]> {
    const { clusterName, brokerAddress } = choice;
    if (brokerAddress !== undefined) {
      if (clusterName !== undefined)
        throw invalidOption('clusterName', clusterName, 'expected either a cluster or a broker address');
      return [brokerAddress];
    }
    return (await this.masterBrokers(clusterName, options)).flatMap((broker) => mastersOf([broker]));
  }

  /** The brokers of a cluster, or of all, that have a master. Fails with `broker-not-found` when there are none. */
  protected async masterBrokers(
    clusterName: string | undefined,
    options: RequestOptions,
  ): Promise<BrokerData[]> {
    const { brokers, clusters } = await this.clusterInfo(options);
    const names = clusterName === undefined ? Object.keys(brokers) : (clusters[clusterName] ?? []);
    const found = names
      .flatMap((name) => brokers[name] ?? [])
      .filter((broker) => mastersOf([broker]).length > 0);
    if (found.length > 0) return found;
    const where = clusterName === undefined ? 'the cluster' : `cluster ${clusterName}`;
    throw new RocketMQError('broker-not-found', `${where} has no master broker`, { retryable: true });
  }
}

export function mastersOf(brokers: readonly BrokerData[]): string[] {
  return brokers.flatMap((broker) => broker.brokerAddrs[MASTER_ID] ?? []);
}

/** The master; without one any slave, which gives the same answers a little later. */
export function readableAddressOf(broker: BrokerData): string | undefined {
  return broker.brokerAddrs[MASTER_ID] ?? Object.values(broker.brokerAddrs)[0];
}

/** A queue that can be asked for. */
export function checkQueue(queue: MessageQueue): void {
  const { topic, brokerName, queueId } = queue;
  if (typeof topic !== 'string' || topic === '')
    throw invalidOption('queue.topic', topic, 'expected a topic name');
  if (typeof brokerName !== 'string' || brokerName === '')
    throw invalidOption('queue.brokerName', brokerName, 'expected the name of a broker');
  if (!Number.isInteger(queueId) || queueId < 0)
    throw invalidOption('queue.queueId', queueId, 'expected an integer from 0 up');
}

/** A text that may not be empty. */
export function requireText(field: string, value: string): string {
  if (typeof value !== 'string' || value.trim() === '')
    throw invalidOption(field, value, 'expected a text that is not empty');
  return value;
}

/** Brokers have no code of its own for much that they do not have: it is told from other failures by its text. */
export function isRefusalSaying(error: unknown, text: string): boolean {
  const { responseCode, message } = asRocketMQError(error);
  return responseCode === ResponseCode.SYSTEM_ERROR && message.includes(text);
}
