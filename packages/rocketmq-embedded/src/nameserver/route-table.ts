import type { TopicConfig, TopicRouteData } from '@dt/rocketmq-protocol';

export interface BrokerRegistration {
  clusterName: string;
  brokerName: string;
  /** `host:port` that clients connect to. */
  brokerAddress: string;
}

/** What the NameServer knows of the one broker it serves. Registrations add and change topics, they never remove any. */
export class RouteTable {
  #broker: BrokerRegistration | undefined;
  readonly #topics = new Map<string, TopicConfig>();

  get broker(): BrokerRegistration | undefined {
    return this.#broker;
  }

  get topics(): string[] {
    return [...this.#topics.keys()];
  }

  register(broker: BrokerRegistration, topics: Iterable<TopicConfig>): void {
    this.#broker = broker;
    for (const topic of topics) this.#topics.set(topic.topicName, topic);
  }

  unregister(): void {
    this.#broker = undefined;
    this.#topics.clear();
  }

  /** With a cluster name, only if the broker belongs to it. */
  deleteTopic(topic: string, clusterName?: string): void {
    if (clusterName === undefined || clusterName === '' || clusterName === this.#broker?.clusterName)
      this.#topics.delete(topic);
  }

  route(topic: string): TopicRouteData | undefined {
    const config = this.#topics.get(topic);
    const broker = this.#broker;
    if (config === undefined || broker === undefined) return undefined;
    return {
      brokerDatas: [
        {
          cluster: broker.clusterName,
          brokerName: broker.brokerName,
          brokerAddrs: { '0': broker.brokerAddress },
          enableActingMaster: false,
        },
      ],
      queueDatas: [
        {
          brokerName: broker.brokerName,
          readQueueNums: config.readQueueNums,
          writeQueueNums: config.writeQueueNums,
          perm: config.perm,
          topicSysFlag: config.topicSysFlag,
        },
      ],
    };
  }
}
