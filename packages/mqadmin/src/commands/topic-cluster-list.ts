import { defineCommand } from '../command.ts';
import { required, text } from '../flags.ts';

export const topicClusterList = defineCommand({
  name: 'topicClusterList',
  summary: 'The clusters that have a topic',
  flags: { topic: required(text('-t, --topic <topic>', 'topic')) },
  examples: ['-t dt_settle'],
  async run({ flags: { topic }, out, connect }) {
    const admin = await connect();
    const { brokers } = await admin.topicRoute(topic);
    const clusters = [...new Set([...brokers.values()].map(({ cluster }) => cluster))].sort();
    if (out.json) out.document(clusters);
    else for (const cluster of clusters) out.line(cluster);
  },
});
