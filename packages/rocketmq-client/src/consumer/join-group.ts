import type { ConsumeFromWhere, SubscriptionData } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { RocketMQError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { StartFrom } from './options.ts';
import { checkWithBrokers } from './subscription.ts';

/**
 * Makes the brokers of these topics know this client. Fails when one refuses its credentials or a subscription; a topic
 * that does not exist yet is waited for in the background.
 */
export async function joinGroup(
  client: ClientInstance,
  group: string,
  subscriptions: ReadonlyMap<string, SubscriptionData>,
  logger: Logger,
): Promise<void> {
  for (const topic of subscriptions.keys()) {
    try {
      await client.routes.refresh(topic);
    } catch (error) {
      if (!(error instanceof RocketMQError) || error.code !== 'topic-not-found') throw error;
      logger.debug('topic does not exist yet', { topic });
    }
  }
  await checkWithBrokers(client, group, subscriptions.values());
  const refused = (await client.heartbeat()).find(
    ({ code }) => code === 'access-denied' || code === 'tls-failed',
  );
  if (refused !== undefined) throw refused;
}

export function consumeFromWhere(from: StartFrom): ConsumeFromWhere {
  if (from === 'last') return 'CONSUME_FROM_LAST_OFFSET';
  return from === 'first' ? 'CONSUME_FROM_FIRST_OFFSET' : 'CONSUME_FROM_TIMESTAMP';
}
