import type { Admin } from '@dt/rocketmq-client';
import { mastersOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { required, text } from '../flags.ts';
import { confirmLosses, messagesIn, onlineTopics, yesFlag } from '../losses.ts';

export const deleteTopic = defineCommand({
  name: 'deleteTopic',
  summary: 'Delete a topic with its messages from brokers and NameServers',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    clusterName: required(text('-c, --clusterName <cluster>', 'from the brokers of this cluster')),
    yes: yesFlag,
  },
  examples: ['-c DefaultCluster -t old_topic', '-c DefaultCluster -t old_topic --yes'],
  notes: 'It asks first when the topic has messages, or consumers that are online.',
  async run({ flags: { topic, clusterName, yes }, out, signal, connect }) {
    const admin = await connect();
    const brokers = mastersOf(await admin.clusterInfo({ signal }), clusterName);
    // The brokers of the route: one of the cluster may not have the topic.
    const stored = (await admin.topicStats(topic, { signal })).filter(({ queue }) =>
      brokers.some(({ brokerName }) => brokerName === queue.brokerName),
    );
    if (stored.length === 0) throw new FaultError(`cluster ${clusterName} has no topic ${topic}`);
    if (!yes) {
      const losses = [...messagesIn(stored), ...(await consumersOf(admin, topic, signal))];
      await confirmLosses(`topic ${topic}`, losses, out, signal);
    }
    await admin.deleteTopic(topic, { clusterName, signal });
    if (out.json) {
      out.document({ topic, clusterName, deleted: true });
      return;
    }
    out.line(`delete topic [${topic}] from cluster [${clusterName}] success.`);
    out.line(`delete topic [${topic}] from NameServer success.`);
  },
});

async function consumersOf(admin: Admin, topic: string, signal: AbortSignal): Promise<string[]> {
  const online: string[] = [];
  for (const group of await admin.groupsOfTopic(topic, { signal }))
    if ((await onlineTopics(admin, group, signal))?.includes(topic) === true) online.push(group);
  return online.length === 0 ? [] : [`consumers online (${online.join(', ')})`];
}
