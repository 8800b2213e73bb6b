import { versionName } from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { required, text } from '../flags.ts';
import { Columns } from '../output/index.ts';

const columns = new Columns([
  { title: '', width: 4 },
  { title: '', width: 32 },
  { title: '', width: 22, gap: 1 },
  { title: '', width: 8, gap: 1 },
  { title: '', gap: 1 },
]);

export const producerConnection = defineCommand({
  name: 'producerConnection',
  summary: 'Members of a producer group that are online',
  flags: {
    producerGroup: required(text('-g, --producerGroup <group>', 'producer group')),
    topic: required(text('-t, --topic <topic>', 'a topic it sends to: its brokers are asked')),
  },
  examples: ['-g dt_producer -t dt_settle'],
  notes: 'The columns are number, client id, address, language and version; there is no header.',
  async run({ flags: { producerGroup, topic }, out, signal, connect }) {
    const admin = await connect();
    const online = await admin.producerConnections(producerGroup, topic, { signal });
    if (online.length === 0) throw new FaultError(`no member of producer group ${producerGroup} is online`);
    const connections = online.map(({ version, ...connection }) => ({
      ...connection,
      version: versionName(version),
    }));
    if (out.json) {
      out.document(connections);
      return;
    }
    for (const [at, { clientId, clientAddr, language, version }] of connections.entries())
      out.line(columns.row([String(at + 1).padStart(4, '0'), clientId, clientAddr, language, version]));
  },
});
