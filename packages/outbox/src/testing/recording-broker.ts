import { type PublishableMessage, type Publisher, type PublishOutcome } from '../relay/publisher.ts';

/** A message that the broker has stored. */
export interface Sent {
  readonly messageKey: string;
  readonly shardingKey: string;
  readonly topic: string;
  readonly tag: string | undefined;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Name of the publisher it came through. */
  readonly by: string;
}

type Decide = (message: PublishableMessage) => PublishOutcome['status'] | Promise<PublishOutcome['status']>;

/** A broker in memory, for tests: stores what it is sent, in order, and fails as it is told. */
export class RecordingBroker {
  /** What was stored, in order; a message sent twice stands here twice. */
  readonly log: Sent[] = [];
  /** Fails the whole call while set. */
  down: Error | undefined;
  /** What becomes of a message. Behind a `retry` the later ones of its sharding key in the call are `retry`, too. */
  decide: Decide = () => 'sent';
  /** Runs before anything is stored. */
  before: (messages: readonly PublishableMessage[], signal: AbortSignal) => Promise<void> | void = () => {};
  calls = 0;

  /** Another sender to this broker, `by` its name. */
  publisher(by = 'relay'): Publisher {
    return {
      publish: async (messages, signal) => {
        this.calls += 1;
        await this.before(messages, signal);
        if (this.down !== undefined) throw this.down;
        const outcomes: PublishOutcome[] = [];
        const stopped = new Set<string>();
        for (const message of messages) {
          const { messageKey, shardingKey, topic, tag, body, headers } = message;
          const status = stopped.has(shardingKey) ? 'retry' : await this.decide(message);
          if (status === 'sent') {
            this.log.push({ messageKey, shardingKey, topic, tag, body, headers, by });
            outcomes.push({ status, messageId: `id-${this.log.length}`, queueOffset: this.log.length });
          } else {
            if (status === 'retry') stopped.add(shardingKey);
            outcomes.push({ status, error: new Error(`${status} ${messageKey}`) });
          }
        }
        return outcomes;
      },
    };
  }

  /** Message keys of each sharding key in the order of their first arrival. */
  firstArrivals(): Map<string, string[]> {
    const seen = new Set<string>();
    const byKey = new Map<string, string[]>();
    for (const { messageKey, shardingKey } of this.log) {
      if (seen.has(messageKey)) continue;
      seen.add(messageKey);
      const list = byKey.get(shardingKey);
      if (list === undefined) byKey.set(shardingKey, [messageKey]);
      else list.push(messageKey);
    }
    return byKey;
  }
}
