import type { ConsumerData, LanguageName, SubscriptionData } from '@dt/rocketmq-protocol';
import { noRoom, type Connection } from '../server/index.ts';

export interface ClientInfo {
  clientId: string;
  language: LanguageName;
  version: number;
  lastUpdate: number;
}

export interface ConsumerGroup {
  readonly clients: Map<Connection, ClientInfo>;
  readonly subscriptions: Map<string, SubscriptionData>;
  consumeType: string;
  messageModel: string;
  consumeFromWhere: string;
}

/** Which clients are connected for which groups. A client lives by its heartbeats and by its socket. */
export class ClientRegistry {
  readonly #consumers = new Map<string, ConsumerGroup>();
  readonly #producers = new Map<string, Map<Connection, ClientInfo>>();
  readonly #onMembersChanged: (group: string, connections: Connection[]) => void;
  readonly #max: number;
  /** Producers of all groups, and subscriptions of all consumer groups. */
  #entries = 0;

  /**
   * `onMembersChanged` is called whenever the members or the topics of a consumer group are not what they were. There
   * may be `max` producers and subscriptions in all.
   */
  constructor(onMembersChanged: (group: string, connections: Connection[]) => void, max: number) {
    this.#onMembersChanged = onMembersChanged;
    this.#max = max;
  }

  consumerGroup(name: string): ConsumerGroup | undefined {
    return this.#consumers.get(name);
  }

  producerGroup(name: string): ReadonlyMap<Connection, ClientInfo> | undefined {
    return this.#producers.get(name);
  }

  producerGroups(): [string, ReadonlyMap<Connection, ClientInfo>][] {
    return [...this.#producers];
  }

  /** The connection of a producer, whichever group it is in. */
  producer(clientId: string): Connection | undefined {
    for (const clients of this.#producers.values()) {
      for (const [connection, client] of clients) if (client.clientId === clientId) return connection;
    }
    return undefined;
  }

  groupsSubscribedTo(topic: string): string[] {
    return [...this.#consumers].filter(([, group]) => group.subscriptions.has(topic)).map(([name]) => name);
  }

  registerProducer(group: string, connection: Connection, client: ClientInfo): void {
    let clients = this.#producers.get(group);
    if (clients?.has(connection) !== true) this.#makeRoom(1);
    if (clients === undefined) this.#producers.set(group, (clients = new Map<Connection, ClientInfo>()));
    clients.set(connection, client);
  }

  registerConsumer(connection: Connection, client: ClientInfo, data: ConsumerData, notify: boolean): void {
    let group = this.#consumers.get(data.groupName);
    this.#makeRoom(data.subscriptions.length - (group?.subscriptions.size ?? 0));
    if (group === undefined) {
      group = {
        clients: new Map(),
        subscriptions: new Map(),
        consumeType: '',
        messageModel: '',
        consumeFromWhere: '',
      };
      this.#consumers.set(data.groupName, group);
    }
    group.consumeType = data.consumeType;
    group.messageModel = data.messageModel;
    group.consumeFromWhere = data.consumeFromWhere;
    const joined = !group.clients.has(connection);
    group.clients.set(connection, client);
    const before = group.subscriptions.size;
    const changed = replaceSubscriptions(group.subscriptions, data.subscriptions);
    // One topic may be named more than once.
    this.#entries += group.subscriptions.size - before - (data.subscriptions.length - before);
    if (notify && (joined || changed)) this.#onMembersChanged(data.groupName, [...group.clients.keys()]);
  }

  unregisterProducer(group: string, connection: Connection): void {
    const clients = this.#producers.get(group);
    if (clients?.delete(connection) === true) this.#entries--;
    if (clients?.size === 0) this.#producers.delete(group);
  }

  unregisterConsumer(name: string, connection: Connection, notify: boolean): void {
    const group = this.#consumers.get(name);
    if (group === undefined) return;
    group.clients.delete(connection);
    if (group.clients.size === 0 && this.#consumers.delete(name)) this.#entries -= group.subscriptions.size;
    if (notify) this.#onMembersChanged(name, [...group.clients.keys()]);
  }

  #makeRoom(count: number): void {
    if (count > 0 && this.#entries + count > this.#max)
      throw noRoom('producers and subscriptions', this.#max);
    this.#entries += count;
  }

  /** The socket is gone: the client leaves all its groups at once. */
  removeConnection(connection: Connection): void {
    for (const group of [...this.#producers.keys()]) this.unregisterProducer(group, connection);
    for (const [name, group] of [...this.#consumers]) {
      if (group.clients.has(connection)) this.unregisterConsumer(name, connection, true);
    }
  }

  /** Closes the sockets of clients that have sent no heartbeat for so long; the rest follows from that. */
  closeSilent(olderThan: number): void {
    const tables = [
      ...this.#producers.values(),
      ...[...this.#consumers.values()].map((group) => group.clients),
    ];
    for (const clients of tables) {
      for (const [connection, client] of clients)
        if (client.lastUpdate < olderThan) connection.close('no heartbeat');
    }
  }
}

/** Whether topics came or went. A newer version of a known topic replaces it and is no change. */
function replaceSubscriptions(
  current: Map<string, SubscriptionData>,
  next: readonly SubscriptionData[],
): boolean {
  let changed = false;
  const topics = new Set(next.map((subscription) => subscription.topic));
  for (const subscription of next) {
    const old = current.get(subscription.topic);
    if (old === undefined) changed = true;
    if (old === undefined || subscription.subVersion > old.subVersion)
      current.set(subscription.topic, subscription);
  }
  for (const topic of [...current.keys()]) {
    if (topics.has(topic)) continue;
    current.delete(topic);
    changed = true;
  }
  return changed;
}
