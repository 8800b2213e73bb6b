import { defineCommand } from '../command.ts';
import { required, text, toggle } from '../flags.ts';
import { Columns } from '../output/index.ts';

const columns = new Columns([
  { title: '#ClusterName', width: 45 },
  { title: '#BrokerName', width: 32, gap: 1 },
  { title: '#BrokerAddrs', width: 50, gap: 1 },
  { title: '#ReadQueue', width: 10, gap: 1 },
  { title: '#WriteQueue', width: 11, gap: 1 },
  { title: '#Perm', width: 5, gap: 1 },
]);
const RULE = '-'.repeat(158);

export const topicRoute = defineCommand({
  name: 'topicRoute',
  summary: 'Where a topic lives: brokers, their addresses and queues',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    list: toggle('-l, --list', 'as a table (default: as JSON)'),
  },
  examples: ['-t dt_settle', '-t dt_settle -l'],
  notes: 'With --json it is JSON, also with --list.',
  async run({ flags: { topic, list }, out, signal, connect }) {
    const admin = await connect();
    const route = await admin.topicRouteData(topic, { signal });
    if (out.json || !list) {
      out.document(route);
      return;
    }
    const brokers = [...route.brokerDatas].sort((a, b) => (a.brokerName < b.brokerName ? -1 : 1));
    const queues = new Map(route.queueDatas.map((data) => [data.brokerName, data]));
    out.line(columns.header());
    for (const { cluster, brokerName, brokerAddrs } of brokers) {
      const { readQueueNums = 0, writeQueueNums = 0, perm = 0 } = queues.get(brokerName) ?? {};
      const addresses = Object.entries(brokerAddrs).map(([id, address]) => `${id}=${address}`);
      out.line(
        columns.row([cluster, brokerName, `{${addresses.join(', ')}}`, readQueueNums, writeQueueNums, perm]),
      );
    }
    const sum = (field: 'readQueueNums' | 'writeQueueNums'): number =>
      brokers.reduce((total, { brokerName }) => total + (queues.get(brokerName)?.[field] ?? 0), 0);
    out.line(RULE);
    out.line(columns.row(['Total:', queues.size, '', sum('readQueueNums'), sum('writeQueueNums')]));
  },
});
