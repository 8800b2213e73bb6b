import type { Admin } from '@dt/rocketmq-client';
import { mastersOf, nodesOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { FaultError, WrongCallError } from '../exit.ts';
import { address, orElse, required, text, trueOrFalse } from '../flags.ts';
import { nearestName } from '../nearest.ts';

export const updateBrokerConfig = defineCommand({
  name: 'updateBrokerConfig',
  summary: 'Change a setting of running brokers',
  flags: {
    brokerAddr: address('-b, --brokerAddr <address>', 'of this broker, host:port'),
    clusterName: text('-c, --clusterName <cluster>', 'of every master of this cluster'),
    updateAllBroker: orElse(
      trueOrFalse('-a, --updateAllBroker <true|false>', 'with --clusterName: slaves too'),
      false,
    ),
    key: required(text('-k, --key <name>', 'name of the setting')),
    value: required(text('-v, --value <value>', 'new value')),
  },
  oneOf: ['brokerAddr', 'clusterName'],
  examples: [
    '-b 127.0.0.1:10911 -k fileReservedTime -v 48',
    '-c DefaultCluster -k flushDiskType -v SYNC_FLUSH',
  ],
  notes:
    'A broker passes over names and values that it does not know; here they are found out. Some settings count only\n' +
    'when the broker starts.',
  async run({ flags: { brokerAddr, clusterName, updateAllBroker, key, value }, out, signal, connect }) {
    const admin = await connect();
    const addresses =
      brokerAddr === undefined
        ? (updateAllBroker ? nodesOf : mastersOf)(await admin.clusterInfo({ signal }), clusterName).map(
            ({ address }) => address,
          )
        : [brokerAddr];
    for (const address of addresses) {
      await requireSetting(admin, address, key, signal);
      await admin.updateBrokerConfig(address, { [key]: value }, { signal });
      const now = (await admin.brokerConfig(address, { signal }))[key];
      if (now !== value)
        throw new FaultError(`${address} did not take ${key}=${value}: it is still ${now ?? 'not set'}`);
      if (!out.json) out.line(`update broker config success, ${address}`);
    }
    if (out.json) out.document({ brokers: addresses, key, value });
  },
});

async function requireSetting(
  admin: Admin,
  address: string,
  key: string,
  signal: AbortSignal,
): Promise<void> {
  const config = await admin.brokerConfig(address, { signal });
  if (config[key] !== undefined) return;
  const near = nearestName(key, Object.keys(config));
  const hint = near === undefined ? 'getBrokerConfig shows all' : `did you mean ${near}?`;
  throw new WrongCallError(`${address} has no setting ${key}; ${hint}`);
}
