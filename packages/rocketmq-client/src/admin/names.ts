import { type MessageQueue, withNamespace, withoutNamespace } from '@dt/rocketmq-protocol';
import { queueWithNamespace, queueWithoutNamespace } from '../consumer/received-message.ts';

/** Topics and groups as brokers know them, and as they are called within a namespace. Without one there is no difference. */
export class Names {
  readonly namespace: string | undefined;

  constructor(namespace: string | undefined) {
    this.namespace = namespace;
  }

  /** Of a topic or group, as brokers know it. Also for a name that already is such. */
  onWire(name: string): string {
    return withNamespace(name, this.namespace);
  }

  /** As it is called within the namespace; a name of another one stays as it is. */
  within(name: string): string {
    return withoutNamespace(name, this.namespace);
  }

  queueOnWire(queue: MessageQueue): MessageQueue {
    return queueWithNamespace(queue, this.namespace);
  }

  queueWithin(queue: MessageQueue): MessageQueue {
    return queueWithoutNamespace(queue, this.namespace);
  }

  queuesWithin<T extends { queue: MessageQueue }>(entries: readonly T[]): T[] {
    return entries.map((entry) => ({ ...entry, queue: this.queueWithin(entry.queue) }));
  }

  topicsWithin<T extends { topic: string }>(entries: readonly T[]): T[] {
    return entries.map((entry) => ({ ...entry, topic: this.within(entry.topic) }));
  }

  /** Whether a name on the wire is one of the namespace; without one every name is. */
  isOwn(name: string): boolean {
    return this.namespace === undefined || this.within(name) !== name;
  }

  /** Those of the namespace, as they are called within it. */
  own(names: readonly string[]): string[] {
    return names.filter((name) => this.isOwn(name)).map((name) => this.within(name));
  }
}
