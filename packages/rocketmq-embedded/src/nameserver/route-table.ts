import type {
  BrokerData,
  commands,
  DataVersion,
  QueueData,
  TopicConfig,
  TopicQueueMapping,
  TopicRouteData,
} from '@dt/rocketmq-protocol';
import { MASTER_ID, Permission } from '@dt/rocketmq-protocol';
import { noRoom, type Connection } from '../server/index.ts';

export interface BrokerRegistration {
  clusterName: string;
  brokerName: string;
  /** `host:port` that clients connect to. */
  brokerAddress: string;
  /** 0 is the master. */
  brokerId: number;
  haServerAddress: string;
  enableActingMaster?: boolean;
  zoneName?: string | undefined;
  dataVersion: DataVersion;
  topics: readonly TopicConfig[];
  /** Of the static topics among them. */
  queueMappings?: readonly TopicQueueMapping[] | undefined;
}

/** Where a registration comes from, and how long it holds. */
export interface RegistrationLease {
  /** The broker leaves with this socket. Absent for the broker in this process. */
  connection?: Connection;
  timeoutMs: number;
}

interface LiveBroker {
  readonly registration: Omit<BrokerRegistration, 'topics' | 'queueMappings'>;
  readonly lease: RegistrationLease;
  lastUpdate: number;
}

/** Brokers and topics beyond these are refused: nobody else limits what a stranger may register. */
export interface RouteLimits {
  maxRegisteredBrokers: number;
  maxRegisteredTopics: number;
}

/**
 * What the NameServer knows: the broker of this process, and any other that registers. Registrations add and change
 * topics, they never remove any: a broker sends only those that have changed.
 */
export class RouteTable {
  readonly #limits: RouteLimits;
  /** By topic, then by broker name. */
  readonly #queues = new Map<string, Map<string, QueueData>>();
  /** Of static topics; by topic, then by broker name. */
  readonly #mappings = new Map<string, Map<string, TopicQueueMapping>>();
  readonly #brokers = new Map<string, BrokerData & { zoneName?: string }>();
  /** By address. */
  readonly #live = new Map<string, LiveBroker>();

  constructor(limits: RouteLimits) {
    this.#limits = limits;
  }

  get topics(): string[] {
    return [...this.#queues.keys()];
  }

  /** Brokers by name, and their names by cluster. */
  get cluster(): commands.ClusterInfo {
    // No cluster is called like a member of all objects.
    const clusters = Object.create(null) as Record<string, string[]>;
    for (const { cluster, brokerName } of this.#brokers.values()) (clusters[cluster] ??= []).push(brokerName);
    return {
      brokers: Object.fromEntries([...this.#brokers].map(([name, data]) => [name, copy(data)])),
      clusters,
    };
  }

  /** Names of clusters and brokers, and the address of one broker. */
  get systemTopics(): commands.TopicListResponse {
    const { brokers, clusters } = this.cluster;
    const topics = Object.entries(clusters).flatMap(([cluster, names]) => [cluster, ...names]);
    const brokerAddr = Object.values(brokers).flatMap((data) => Object.values(data.brokerAddrs))[0];
    return { topics, ...(brokerAddr !== undefined && { brokerAddr }) };
  }

  topicsOf(cluster: string): string[] {
    const names = new Set(this.cluster.clusters[cluster]);
    return [...this.#queues]
      .filter(([, queues]) => [...queues.keys()].some((name) => names.has(name)))
      .map(([topic]) => topic);
  }

  addresses(brokerName: string): Record<string, string> {
    return { ...this.#brokers.get(brokerName)?.brokerAddrs };
  }

  /**
   * Takes a registration in.
   *
   * @returns false when it cannot be the first of this broker: it has one topic only, so there are others
   */
  register(registration: BrokerRegistration, lease: RegistrationLease): boolean {
    const { clusterName, brokerName, brokerAddress, brokerId, dataVersion, topics } = registration;
    const id = String(brokerId);
    const known = this.#brokers.get(brokerName);
    const isNew = known?.brokerAddrs[id] === undefined;
    if (this.#isOutdated(registration)) return true;
    if (isNew && topics.length === 1) return false;
    const { maxRegisteredBrokers, maxRegisteredTopics } = this.#limits;
    if (known === undefined && this.#brokers.size >= maxRegisteredBrokers)
      throw noRoom('brokers', maxRegisteredBrokers);
    const added = topics.filter(({ topicName }) => !this.#queues.has(topicName)).length;
    if (added > 0 && this.#queues.size + added > maxRegisteredTopics)
      throw noRoom('topics', maxRegisteredTopics);

    const broker = known ?? { cluster: clusterName, brokerName, brokerAddrs: {} };
    broker.enableActingMaster = registration.enableActingMaster ?? false;
    if (registration.zoneName !== undefined) broker.zoneName = registration.zoneName;
    // A slave that has become the master is the same address under another id.
    const others = Object.entries(broker.brokerAddrs).filter(([, address]) => address !== brokerAddress);
    broker.brokerAddrs = Object.fromEntries([...others, [id, brokerAddress]]);
    this.#brokers.set(brokerName, broker);

    const previous = this.#live.get(brokerAddress)?.registration.dataVersion;
    const changed = isNew || previous === undefined || !sameVersion(previous, dataVersion);
    if (id === MASTER_ID || this.#isFirstSlave(broker, id)) {
      for (const topic of topics) {
        if (changed || this.#queues.get(topic.topicName)?.has(brokerName) !== true)
          this.#put(brokerName, topic);
      }
      if (changed)
        for (const mapping of registration.queueMappings ?? []) this.#putMapping(brokerName, mapping);
    }
    this.#live.set(brokerAddress, { registration, lease, lastUpdate: Date.now() });
    return true;
  }

  /** The master of a broker name, for its slaves. */
  masterOf(brokerName: string): { brokerAddress: string; haServerAddress: string } | undefined {
    const address = this.#brokers.get(brokerName)?.brokerAddrs[MASTER_ID];
    return address === undefined ? undefined : this.#live.get(address)?.registration;
  }

  /** The state of its topics that a broker has told last. */
  dataVersion(clusterName: string, brokerAddress: string): DataVersion | undefined {
    const live = this.#live.get(brokerAddress);
    return live?.registration.clusterName === clusterName ? live.registration.dataVersion : undefined;
  }

  /** A sign of life. */
  touch(brokerAddress: string): void {
    const live = this.#live.get(brokerAddress);
    if (live !== undefined) live.lastUpdate = Date.now();
  }

  unregister(brokerName: string, brokerAddress: string): void {
    this.#live.delete(brokerAddress);
    const broker = this.#brokers.get(brokerName);
    if (broker === undefined) return;
    const left = Object.entries(broker.brokerAddrs).filter(([, address]) => address !== brokerAddress);
    broker.brokerAddrs = Object.fromEntries(left);
    if (left.length > 0) return;
    this.#brokers.delete(brokerName);
    for (const topic of [...this.#queues.keys()]) this.#remove(topic, brokerName);
  }

  /** The socket a broker has registered on is gone, and the broker with it. */
  disconnected(connection: Connection): void {
    for (const { registration, lease } of [...this.#live.values()]) {
      if (lease.connection === connection)
        this.unregister(registration.brokerName, registration.brokerAddress);
    }
  }

  /** Lets go of brokers that have been silent for too long. */
  removeExpired(now = Date.now()): void {
    for (const { registration, lease, lastUpdate } of [...this.#live.values()]) {
      if (lastUpdate + lease.timeoutMs >= now) continue;
      lease.connection?.close('the broker is silent');
      this.unregister(registration.brokerName, registration.brokerAddress);
    }
  }

  /**
   * Queues of a topic, told by somebody else than its brokers. The first unknown broker ends it; a topic that is new
   * is not added then.
   */
  registerTopic(topic: string, queues: readonly QueueData[]): void {
    const unknown = queues.findIndex(({ brokerName }) => !this.#brokers.has(brokerName));
    const isNew = !this.#queues.has(topic);
    const taken = unknown < 0 ? queues : isNew ? [] : queues.slice(0, unknown);
    const { maxRegisteredTopics } = this.#limits;
    if (isNew && taken.length > 0 && this.#queues.size >= maxRegisteredTopics)
      throw noRoom('topics', maxRegisteredTopics);
    for (const data of taken) this.#queuesOf(topic).set(data.brokerName, data);
  }

  /** With a cluster name, only from the brokers that belong to it. */
  deleteTopic(topic: string, clusterName?: string): void {
    if (clusterName === undefined || clusterName === '') {
      this.#queues.delete(topic);
      this.#mappings.delete(topic);
      return;
    }
    for (const name of this.cluster.clusters[clusterName] ?? []) this.#remove(topic, name);
  }

  /** Until its broker tells of the topic anew. The number of topics. */
  wipeWritePermission(brokerName: string): number {
    return this.#changePermissions(brokerName, (perm) => perm & ~Permission.WRITE);
  }

  addWritePermission(brokerName: string): number {
    return this.#changePermissions(brokerName, () => Permission.READ | Permission.WRITE);
  }

  route(topic: string): TopicRouteData | undefined {
    const queues = this.#queues.get(topic);
    if (queues === undefined) return undefined;
    const brokerDatas = [...queues.keys()].flatMap((name) => {
      const broker = this.#brokers.get(name);
      return broker === undefined ? [] : [copy(broker)];
    });
    if (brokerDatas.length === 0) return undefined;
    const mappings = this.#mappings.get(topic);
    return {
      brokerDatas,
      queueDatas: [...queues.values()],
      ...(mappings && { queueMappings: [...mappings.values()] }),
    };
  }

  /** Another address holds this id with a newer state. */
  #isOutdated({ brokerName, brokerId, brokerAddress, dataVersion }: BrokerRegistration): boolean {
    const holder = this.#brokers.get(brokerName)?.brokerAddrs[String(brokerId)];
    if (holder === undefined || holder === brokerAddress) return false;
    const held = this.#live.get(holder)?.registration.dataVersion.stateVersion ?? 0;
    if (held <= dataVersion.stateVersion) return false;
    this.#live.delete(brokerAddress);
    return true;
  }

  /** Stands in for a master that is not there. */
  #isFirstSlave({ brokerAddrs }: BrokerData, id: string): boolean {
    return Number(id) === Math.min(...Object.keys(brokerAddrs).map(Number));
  }

  #put(brokerName: string, topic: TopicConfig): void {
    const { readQueueNums, writeQueueNums, perm, topicSysFlag } = topic;
    const data = { brokerName, readQueueNums, writeQueueNums, perm, topicSysFlag };
    this.#queuesOf(topic.topicName).set(brokerName, data);
  }

  /** Only of a topic that is known, and by the broker it is about: nobody else limits them. */
  #putMapping(brokerName: string, mapping: TopicQueueMapping): void {
    const { topic } = mapping;
    if (mapping.brokerName !== brokerName || this.#queues.get(topic)?.has(brokerName) !== true) return;
    let mappings = this.#mappings.get(topic);
    if (mappings === undefined) this.#mappings.set(topic, (mappings = new Map<string, TopicQueueMapping>()));
    mappings.set(brokerName, mapping);
  }

  #queuesOf(topic: string): Map<string, QueueData> {
    let queues = this.#queues.get(topic);
    if (queues === undefined) this.#queues.set(topic, (queues = new Map<string, QueueData>()));
    return queues;
  }

  #remove(topic: string, brokerName: string): void {
    const queues = this.#queues.get(topic);
    queues?.delete(brokerName);
    if (queues?.size === 0) this.#queues.delete(topic);
    const mappings = this.#mappings.get(topic);
    mappings?.delete(brokerName);
    if (mappings?.size === 0) this.#mappings.delete(topic);
  }

  #changePermissions(brokerName: string, change: (perm: number) => number): number {
    let count = 0;
    for (const queues of this.#queues.values()) {
      const data = queues.get(brokerName);
      if (data === undefined) continue;
      queues.set(brokerName, { ...data, perm: change(data.perm) });
      count++;
    }
    return count;
  }
}

function copy(broker: BrokerData): BrokerData {
  return { ...broker, brokerAddrs: { ...broker.brokerAddrs } };
}

function sameVersion(a: DataVersion, b: DataVersion): boolean {
  return a.counter === b.counter && a.stateVersion === b.stateVersion && a.timestamp === b.timestamp;
}
