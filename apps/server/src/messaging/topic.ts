import { Admin } from '@dt/rocketmq-client';
import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import { clientOptions } from './client-options.ts';

/** Queues a new settlement topic gets on each broker: the number that mqadmin's updateTopic gives. */
const queues = 8;

/**
 * Creates the settlement topic when no broker has it yet. With auto-creation left to the first send the number
 * of queues would depend on who comes first, and a later change of it moves keys to other queues. A cluster
 * that does not let us create topics says so once; sends then tell whether the topic is there.
 */
export async function ensureTopic(config: Config['rocketmq'], log: Log, signal: AbortSignal): Promise<void> {
  const topic = config.topic_settle;
  const admin = new Admin(clientOptions(config, log));
  try {
    await admin.start();
    const known = await admin.topicList();
    if (signal.aborted || known.includes(topic)) return;
    await admin.createTopic({ topic, readQueueNums: queues, writeQueueNums: queues });
    log.info({ topic, queues }, 'rocketmq: topic created');
  } catch (error) {
    if (!signal.aborted) log.warn({ topic, err: error }, 'rocketmq: topic not created');
  } finally {
    await admin.close();
  }
}
