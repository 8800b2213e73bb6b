import type { Admin } from '@dt/rocketmq-client';
import { attributes, shownMap } from '../attributes.ts';
import { type BrokerNode, mastersOf, nodesOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { address, integer, orElse, required, text, trueOrFalse } from '../flags.ts';

/** Where NameServers keep which queues an ordered topic has: `broker-a:8;broker-b:8`. */
const ORDER_NAMESPACE = 'ORDER_TOPIC_CONFIG';
const UNIT = 1;
const UNIT_SUBSCRIBED = 2;

export const updateTopic = defineCommand({
  name: 'updateTopic',
  summary: 'Create a topic, or change it',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    clusterName: text('-c, --clusterName <cluster>', 'on every broker of this cluster'),
    brokerAddr: address('-b, --brokerAddr <address>', 'on this broker, host:port'),
    readQueueNums: orElse(
      integer('-r, --readQueueNums <count>', 'queues to read from', { min: 1, max: 65_536 }),
      8,
    ),
    writeQueueNums: orElse(
      integer('-w, --writeQueueNums <count>', 'queues to write to', { min: 1, max: 65_536 }),
      8,
    ),
    perm: orElse(integer('-p, --perm <bits>', '2 write, 4 read, 6 both', { min: 0, max: 15 }), 6),
    order: orElse(trueOrFalse('-o, --order <true|false>', 'keep its queues while a broker is away'), false),
    unit: orElse(trueOrFalse('-u, --unit <true|false>', 'the topic is of a unit'), false),
    hasUnitSub: orElse(trueOrFalse('-s, --hasUnitSub <true|false>', 'units subscribe to it'), false),
    attributes: attributes('-a, --attributes <list>'),
  },
  oneOf: ['clusterName', 'brokerAddr'],
  examples: [
    '-c DefaultCluster -t dt_settle -r 8 -w 8',
    '-b 127.0.0.1:10911 -t dt_settle -p 4',
    '-c DefaultCluster -t fifo -a +message.type=FIFO',
  ],
  notes:
    'What is not given takes its default, also for a topic that is there already. Queues are never removed.',
  async run({ flags, out, signal, connect }) {
    const { topic, clusterName, brokerAddr, readQueueNums, writeQueueNums, perm, order } = flags;
    const admin = await connect();
    const info = await admin.clusterInfo({ signal });
    const brokers =
      brokerAddr === undefined
        ? mastersOf(info, clusterName)
        : nodesOf(info).filter(({ address }) => address === brokerAddr);
    if (order && brokers.length === 0)
      throw new FaultError(`no broker of the clusters has the address ${brokerAddr}`);
    const topicSysFlag = (flags.unit ? UNIT : 0) | (flags.hasUnitSub ? UNIT_SUBSCRIBED : 0);
    const addresses = brokerAddr === undefined ? brokers.map(({ address }) => address) : [brokerAddr];
    for (const brokerAddress of addresses) {
      await admin.createTopic(
        {
          ...{ topic, brokerAddress, readQueueNums, writeQueueNums, perm, order, topicSysFlag },
          ...(flags.attributes && { attributes: flags.attributes }),
        },
        { signal },
      );
      if (!out.json) out.line(`create topic to ${brokerAddress} success.`);
    }
    const orderConf = order
      ? await keepOrder(admin, topic, writeQueueNums, brokers, clusterName === undefined, signal)
      : undefined;
    const config = {
      topicName: topic,
      readQueueNums,
      writeQueueNums,
      perm,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag,
      order,
      attributes: flags.attributes ?? {},
    };
    if (out.json) {
      out.document({ brokers: addresses, config, orderConf: orderConf ?? null });
      return;
    }
    if (orderConf !== undefined) {
      const scope = clusterName === undefined ? 'broker' : 'cluster';
      out.line(`set ${scope} orderConf. isOrder=${order}, orderConf=[${orderConf}]`);
    }
    const shown = { ...config, perm: permissions(perm), attributes: shownMap(config.attributes) };
    const fields = Object.entries(shown).map(([name, value]) => `${name}=${value}`);
    out.line(`TopicConfig [${fields.join(', ')}]`);
  },
});

/** Tells the NameServers the queues of an ordered topic; those of other brokers stay where only one was asked for. */
async function keepOrder(
  admin: Admin,
  topic: string,
  queues: number,
  brokers: readonly BrokerNode[],
  isMerged: boolean,
  signal: AbortSignal,
): Promise<string> {
  const known = isMerged ? ((await admin.kvConfig(ORDER_NAMESPACE, topic, { signal })) ?? '') : '';
  const counts = new Map(
    known
      .split(';')
      .filter((entry) => entry !== '')
      .map((entry) => entry.split(':') as [string, string]),
  );
  for (const { brokerName } of brokers) counts.set(brokerName, String(queues));
  const conf = [...counts].map((entry) => entry.join(':')).join(';');
  await admin.putKvConfig(ORDER_NAMESPACE, topic, conf, { signal });
  return brokers.map(({ brokerName }) => `${brokerName}:${queues}`).join(';');
}

/** `RW-` */
function permissions(bits: number): string {
  return `${(bits & 4) > 0 ? 'R' : '-'}${(bits & 2) > 0 ? 'W' : '-'}${(bits & 1) > 0 ? 'X' : '-'}`;
}
