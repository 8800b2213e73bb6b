import { mastersOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { orElse, required, text, trueOrFalse } from '../flags.ts';

export const deleteSubGroup = defineCommand({
  name: 'deleteSubGroup',
  summary: 'Delete a consumer group',
  flags: {
    groupName: required(text('-g, --groupName <group>', 'consumer group')),
    clusterName: text(
      '-c, --clusterName <cluster>',
      'from every broker of this cluster, with its retry topics',
    ),
    brokerAddr: text('-b, --brokerAddr <address>', 'from this broker, host:port'),
    removeOffset: orElse(
      trueOrFalse('-r, --removeOffset <true|false>', 'forget its offsets: a group of that name starts anew'),
      false,
    ),
  },
  oneOf: ['clusterName', 'brokerAddr'],
  examples: ['-c DefaultCluster -g old-consumer -r true', '-b 127.0.0.1:10911 -g old-consumer'],
  notes: 'With --clusterName the topics %RETRY%GROUP and %DLQ%GROUP are deleted with their messages.',
  async run({ flags: { groupName, clusterName, brokerAddr, removeOffset }, out, signal, connect }) {
    const admin = await connect();
    const brokers =
      brokerAddr === undefined
        ? mastersOf(await admin.clusterInfo({ signal }), clusterName).map(({ address }) => address)
        : [brokerAddr];
    for (const brokerAddress of brokers) {
      await admin.deleteSubscriptionGroup(groupName, { brokerAddress, cleanOffset: removeOffset, signal });
      const within = clusterName === undefined ? '' : ` in cluster [${clusterName}]`;
      if (!out.json)
        out.line(`delete subscription group [${groupName}] from broker [${brokerAddress}]${within} success.`);
    }
    const topics = clusterName === undefined ? [] : [`%RETRY%${groupName}`, `%DLQ%${groupName}`];
    for (const topic of topics) await admin.deleteTopic(topic, { clusterName, signal });
    if (out.json) out.document({ group: groupName, brokers, removeOffset, deletedTopics: topics });
  },
});
