import type { Admin } from '@dt/rocketmq-client';
import { mastersOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { address, orElse, required, text, trueOrFalse } from '../flags.ts';
import { confirmLosses, messagesIn, onlineTopics, yesFlag } from '../losses.ts';

export const deleteSubGroup = defineCommand({
  name: 'deleteSubGroup',
  summary: 'Delete a consumer group',
  flags: {
    groupName: required(text('-g, --groupName <group>', 'consumer group')),
    clusterName: text(
      '-c, --clusterName <cluster>',
      'from every broker of this cluster, with its retry topics',
    ),
    brokerAddr: address('-b, --brokerAddr <address>', 'from this broker, host:port'),
    removeOffset: orElse(
      trueOrFalse('-r, --removeOffset <true|false>', 'forget its offsets: a group of that name starts anew'),
      false,
    ),
    yes: yesFlag,
  },
  oneOf: ['clusterName', 'brokerAddr'],
  examples: ['-c DefaultCluster -g old-consumer -r true', '-b 127.0.0.1:10911 -g old-consumer'],
  notes:
    'With --clusterName the topics %RETRY%GROUP and %DLQ%GROUP are deleted with their messages. It asks first when\n' +
    'members of the group are online, or when dead letters would be deleted.',
  async run({ flags: { groupName, clusterName, brokerAddr, removeOffset, yes }, out, signal, connect }) {
    const admin = await connect();
    const brokers =
      brokerAddr === undefined
        ? mastersOf(await admin.clusterInfo({ signal }), clusterName).map(({ address: master }) => master)
        : [brokerAddr];
    const topics = clusterName === undefined ? [] : [`%RETRY%${groupName}`, `%DLQ%${groupName}`];
    const known = new Set(topics.length === 0 ? [] : await admin.topicList({ signal }));
    const configs = await Promise.all(
      brokers.map((broker) => admin.subscriptionGroup(broker, groupName, { signal })),
    );
    if (configs.every((config) => config === undefined) && !topics.some((topic) => known.has(topic)))
      throw new FaultError(`there is no consumer group ${groupName} at ${brokers.join(', ')}`);
    if (!yes) {
      const deadLetters = topics.filter((topic) => topic.startsWith('%DLQ%') && known.has(topic));
      const losses = await lossesOf(admin, groupName, deadLetters, signal);
      await confirmLosses(`consumer group ${groupName}`, losses, out, signal);
    }
    for (const brokerAddress of brokers) {
      await admin.deleteSubscriptionGroup(groupName, { brokerAddress, cleanOffset: removeOffset, signal });
      const within = clusterName === undefined ? '' : ` in cluster [${clusterName}]`;
      if (!out.json)
        out.line(`delete subscription group [${groupName}] from broker [${brokerAddress}]${within} success.`);
    }
    for (const topic of topics) await admin.deleteTopic(topic, { clusterName, signal });
    if (out.json) out.document({ group: groupName, brokers, removeOffset, deletedTopics: topics });
  },
});

async function lossesOf(
  admin: Admin,
  group: string,
  deadLetterTopics: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const deadLetters = (
    await Promise.all(deadLetterTopics.map((topic) => admin.topicStats(topic, { signal })))
  ).flat();
  const isOnline = (await onlineTopics(admin, group, signal)) !== undefined;
  return [...messagesIn(deadLetters, 'dead-letter '), ...(isOnline ? ['members online'] : [])];
}
