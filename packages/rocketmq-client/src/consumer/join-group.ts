import type { ConsumeFromWhere } from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { RocketMQError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { StartFrom } from './options.ts';

/**
 * Makes the brokers of these topics know this client. Fails when one refuses its credentials; a topic that does not
 * exist yet is waited for in the background.
 */
export async function joinGroup(
  client: ClientInstance,
  topics: Iterable<string>,
  logger: Logger,
): Promise<void> {
  for (const topic of topics) {
    try {
      await client.routes.refresh(topic);
    } catch (error) {
      if (!(error instanceof RocketMQError) || error.code !== 'topic-not-found') throw error;
      logger.debug('topic does not exist yet', { topic });
    }
  }
  const refused = (await client.heartbeat()).find(
    ({ code }) => code === 'access-denied' || code === 'tls-failed',
  );
  if (refused !== undefined) throw refused;
}

export function consumeFromWhere(from: StartFrom): ConsumeFromWhere {
  if (from === 'last') return 'CONSUME_FROM_LAST_OFFSET';
  return from === 'first' ? 'CONSUME_FROM_FIRST_OFFSET' : 'CONSUME_FROM_TIMESTAMP';
}
