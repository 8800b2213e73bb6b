import type { Admin, MessageQueue } from '@dt/rocketmq-client';
import { nodesOf } from './cluster.ts';
import { FaultError } from './exit.ts';
import { Columns, type Output } from './output/index.ts';

const columns = new Columns([
  { title: '#brokerName', width: 40 },
  { title: '#queueId', width: 40 },
  { title: '#offset', width: 40 },
]);

export interface NewOffset {
  readonly queue: MessageQueue;
  readonly offset: number;
}

/** Shows where a group goes on. */
export function showOffsets(offsets: readonly NewOffset[], out: Output): void {
  if (out.json) {
    out.document(offsetRecords(offsets));
    return;
  }
  out.line(columns.header());
  for (const { queue, offset } of offsets) out.line(columns.row([queue.brokerName, queue.queueId, offset]));
}

export function offsetRecords(offsets: readonly NewOffset[]): unknown {
  return offsets.map(({ queue: { brokerName, queueId }, offset }) => ({ brokerName, queueId, offset }));
}

/** Sets a group to a time in the queues that one cluster has of a topic. */
export async function resetInCluster(
  admin: Admin,
  {
    group,
    topic,
    cluster,
    timestamp,
  }: { group: string; topic: string; cluster: string; timestamp: 'last' | number },
  signal: AbortSignal,
): Promise<NewOffset[]> {
  const brokers = new Set(
    nodesOf(await admin.clusterInfo({ signal }), cluster).map(({ brokerName }) => brokerName),
  );
  const queues = (await admin.topicRoute(topic)).readableQueues.filter(({ brokerName }) =>
    brokers.has(brokerName),
  );
  if (queues.length === 0) throw new FaultError(`cluster ${cluster} has no queues of topic ${topic}`);
  const offsets: NewOffset[] = [];
  for (const queue of queues) {
    const offset =
      timestamp === 'last'
        ? await admin.maxOffset(queue, { signal })
        : await admin.offsetByTime(queue, timestamp, { signal });
    offsets.push(...(await admin.resetOffset({ group, topic, to: { queue, offset } }, { signal })));
  }
  return offsets;
}
