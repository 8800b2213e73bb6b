import { defineCommand } from '../command.ts';
import { required, text } from '../flags.ts';
import { Columns, formatMilliseconds } from '../output/index.ts';

const columns = new Columns([
  { title: '#Broker Name', width: 32 },
  { title: '#QID', width: 4 },
  { title: '#Min Offset', width: 20 },
  { title: '#Max Offset', width: 20 },
  { title: '#Last Updated', gap: 4 },
]);

export const topicStatus = defineCommand({
  name: 'topicStatus',
  summary: 'Offsets of every queue of a topic',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    cluster: text('-c, --cluster <cluster>', 'ask the brokers of this cluster (default: those of the route)'),
  },
  examples: ['-t dt_settle', '-t dt_settle --json'],
  async run({ flags: { topic, cluster }, out, signal, connect }) {
    const admin = await connect();
    const queues = await admin.topicStats(topic, { signal, clusterName: cluster });
    if (out.json) {
      out.document(
        queues.map(({ queue, minOffset, maxOffset, lastUpdateTimestamp }) => ({
          brokerName: queue.brokerName,
          queueId: queue.queueId,
          minOffset,
          maxOffset,
          lastUpdateTimestamp,
        })),
      );
      return;
    }
    out.line(columns.header());
    for (const { queue, minOffset, maxOffset, lastUpdateTimestamp } of queues) {
      const updated = lastUpdateTimestamp > 0 ? formatMilliseconds(lastUpdateTimestamp) : '';
      out.line(columns.row([queue.brokerName, queue.queueId, minOffset, maxOffset, updated]));
    }
  },
});
