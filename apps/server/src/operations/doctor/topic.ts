import { RocketMQError } from '@dt/rocketmq-client';
import { oneLine } from './probe.ts';
import { type Examination, fault, type Fault, skip, type Surroundings, warning } from './types.ts';

const QUEUES = 8;

/** 3: the topic is there, with queues that can be written and read. */
export async function examineTopic({ config, admin, brokers, fix }: Surroundings): Promise<Examination> {
  const topic = config.rocketmq.topic_settle;
  const lookedAt = `route of topic ${topic}`;
  if (admin === undefined) return skip(lookedAt, 'no NameServer to ask');
  try {
    const { writableQueues, readableQueues } = await admin.topicRoute(topic);
    const found = `${writableQueues.length} queues to write, ${readableQueues.length} to read`;
    if (writableQueues.length > 0 && readableQueues.length > 0) return { lookedAt, found, faults: [] };
    const closed = fault(
      'topic-closed',
      `${found}: its permission (perm) does not let messages through`,
      `dt mqadmin updateTopicPerm -t ${topic} -p 6 -b <broker>`,
    );
    return { lookedAt, found, faults: [closed] };
  } catch (error) {
    if (!(error instanceof RocketMQError) || error.code !== 'topic-not-found') throw error;
  }
  if (brokers.length === 0) return skip(lookedAt, 'the topic is not there, and no broker could have it');
  const isAuto = brokers.every((broker) => broker.config?.['autoCreateTopicEnable'] === 'true');
  const remedy = `dt doctor --fix, or dt mqadmin updateTopic -t ${topic} -c DefaultCluster -r ${QUEUES} -w ${QUEUES}`;
  const missing = isAuto
    ? warning('topic-missing', 'the topic is not there yet; the server makes it when it starts', remedy)
    : fault('topic-missing', 'the topic is not there, and autoCreateTopicEnable=false', remedy);
  if (!fix) return { lookedAt, found: 'not there', faults: [missing] };
  const done: Fault = await admin
    .createTopic({ topic, readQueueNums: QUEUES, writeQueueNums: QUEUES })
    .then(() => ({ ...missing, fixed: `created with ${QUEUES} queues` }))
    .catch((error: unknown) => ({
      ...missing,
      evidence: `${missing.evidence}; creating it: ${oneLine(error)}`,
    }));
  return { lookedAt, found: 'not there', faults: [done] };
}
