import { nodesOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { address, text } from '../flags.ts';

export const brokerStatus = defineCommand({
  name: 'brokerStatus',
  summary: 'All figures that a broker tells of itself',
  flags: {
    brokerAddr: address('-b, --brokerAddr <address>', 'this broker, host:port'),
    clusterName: text('-c, --clusterName <cluster>', 'every broker of this cluster, slaves too'),
  },
  oneOf: ['brokerAddr', 'clusterName'],
  examples: ['-b 127.0.0.1:10911', '-c DefaultCluster --json'],
  async run({ flags: { brokerAddr, clusterName }, out, signal, connect }) {
    const admin = await connect();
    const addresses =
      brokerAddr === undefined
        ? nodesOf(await admin.clusterInfo({ signal }), clusterName).map(({ address }) => address)
        : [brokerAddr];
    const records: { brokerAddr: string; figures: Record<string, string> }[] = [];
    for (const address of addresses) {
      const table = await admin.brokerRuntimeInfo(address, { signal });
      const figures = Object.fromEntries(Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1)));
      records.push({ brokerAddr: address, figures });
    }
    if (out.json) {
      out.document(records);
      return;
    }
    for (const { brokerAddr: address, figures } of records) {
      const front = brokerAddr === undefined ? `${address.padEnd(24)} ` : '';
      for (const [name, value] of Object.entries(figures)) out.line(`${front}${name.padEnd(32)}: ${value}`);
    }
  },
});
