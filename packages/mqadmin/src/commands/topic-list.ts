import type { Admin } from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { toggle } from '../flags.ts';
import { inOrder } from '../in-order.ts';
import { Columns, type Output } from '../output/index.ts';

const columns = new Columns([
  { title: '#Cluster Name', width: 20 },
  { title: '#Topic', width: 64 },
  { title: '#Consumer Group', width: 64 },
]);
const TOPICS_AT_ONCE = 8;
const GROUP_TOPIC = /^%(?:RETRY|DLQ)%/;

export const topicList = defineCommand({
  name: 'topicList',
  summary: 'All topics that the NameServer knows',
  flags: {
    clusterModel: toggle('-c, --clusterModel', 'with the cluster of each and the groups that consume it'),
  },
  examples: ['', '-c', '-c --json'],
  notes: 'With --clusterModel the retry and dead-letter topics of groups are left out.',
  async run({ flags: { clusterModel }, out, signal, connect }) {
    const admin = await connect();
    const topics = await admin.topicList({ signal });
    if (clusterModel) await listWithGroups(admin, topics, out, signal);
    else if (out.json) out.document(topics.map((topic) => ({ topic })));
    else for (const topic of topics) out.line(topic);
  },
});

async function listWithGroups(
  admin: Admin,
  topics: readonly string[],
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const own = topics.filter((topic) => !GROUP_TOPIC.test(topic));
  const look = async (topic: string): Promise<{ cluster: string; topic: string; groups: string[] }> => {
    try {
      const [broker] = (await admin.topicRoute(topic)).brokers.values();
      return { cluster: broker?.cluster ?? '', topic, groups: await admin.groupsOfTopic(topic, { signal }) };
    } catch (error) {
      if (signal.aborted) throw error;
      // A topic can go between two questions, and some of the system have no route.
      return { cluster: '', topic, groups: [] };
    }
  };
  const records: { cluster: string; topic: string; groups: string[] }[] = [];
  if (!out.json) out.line(columns.header());
  let done = 0;
  for await (const record of inOrder(own, TOPICS_AT_ONCE, look)) {
    if (out.json) records.push(record);
    else
      for (const group of record.groups.length === 0 ? [''] : record.groups)
        out.line(columns.row([record.cluster, record.topic, group]));
    done += 1;
    out.progress(`${done} of ${own.length} topics`);
  }
  if (out.json) out.document(records);
}
