import { type BrokerNode, nodesOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { address, text } from '../flags.ts';

/** Names of settings whose values stay where they are. */
const SECRET = /password|secret|token/i;
const HIDDEN = '******';

export const getBrokerConfig = defineCommand({
  name: 'getBrokerConfig',
  summary: 'Everything that a broker is configured with',
  flags: {
    brokerAddr: address('-b, --brokerAddr <address>', 'this broker, host:port'),
    clusterName: text('-c, --clusterName <cluster>', 'every broker of this cluster, slaves too'),
  },
  oneOf: ['brokerAddr', 'clusterName'],
  examples: ['-b 127.0.0.1:10911', '-c DefaultCluster --json'],
  notes: 'Values of settings with password, secret or token in their names are not shown.',
  async run({ flags: { brokerAddr, clusterName }, out, signal, connect }) {
    const admin = await connect();
    const targets =
      brokerAddr === undefined
        ? groupsOf(nodesOf(await admin.clusterInfo({ signal }), clusterName))
        : [{ address: brokerAddr, title: brokerAddr }];
    const records: { brokerAddr: string; settings: Record<string, string> }[] = [];
    for (const { address, title } of targets) {
      const settings = shownSettings(await admin.brokerConfig(address, { signal }));
      if (out.json) records.push({ brokerAddr: address, settings });
      else {
        out.line(`============${title}============`);
        for (const [name, value] of Object.entries(settings))
          out.line(`${name.padEnd(50)}=  ${value}`.trimEnd());
        out.line();
      }
    }
    if (out.json) out.document(records);
  },
});

/** Each master, followed by its slaves. */
function groupsOf(nodes: readonly BrokerNode[]): { address: string; title: string }[] {
  return nodes.map(({ address, brokerName, brokerId }) => {
    if (brokerId === 0) return { address, title: `Master: ${address}` };
    const master = nodes.find((node) => node.brokerName === brokerName && node.brokerId === 0);
    return { address, title: `My Master: ${master?.address ?? 'NO_MASTER'}=====Slave: ${address}` };
  });
}

function shownSettings(settings: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, SECRET.test(name) && value !== '' ? HIDDEN : value]),
  );
}
