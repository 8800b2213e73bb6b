import { RocketMQError } from '@dt/rocketmq-client';
import { type Examination, fault, skip, type Surroundings } from './types.ts';

/** 4: a producer of the server is connected. No message is sent for it: a consumer would get it. */
export async function examineProducer({ config, admin, brokers }: Surroundings): Promise<Examination> {
  const { producer_group: group, topic_settle: topic } = config.rocketmq;
  const lookedAt = `producers of ${group} at the brokers`;
  if (admin === undefined || brokers.every(({ info }) => info === undefined))
    return skip(lookedAt, 'no broker answers us');
  try {
    const producers = await admin.producerConnections(group, topic);
    if (producers.length > 0) return { lookedAt, found: `${producers.length} connected`, faults: [] };
  } catch (error) {
    if (error instanceof RocketMQError && error.code === 'topic-not-found')
      return skip(lookedAt, 'the topic is not there');
    throw error;
  }
  const none = fault(
    'no-producer',
    'no producer of the group is connected',
    'start dt serve with this configuration; its log has "rocketmq enabled", or the cause: "producer start failed"',
  );
  return { lookedAt, found: '', faults: [none] };
}
