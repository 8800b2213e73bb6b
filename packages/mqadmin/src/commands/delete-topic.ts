import { type Admin, RocketMQError } from '@dt/rocketmq-client';
import { mastersOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { FaultError, WrongCallError } from '../exit.ts';
import { required, text, toggle } from '../flags.ts';

export const deleteTopic = defineCommand({
  name: 'deleteTopic',
  summary: 'Delete a topic with its messages from brokers and NameServers',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    clusterName: required(text('-c, --clusterName <cluster>', 'from the brokers of this cluster')),
    yes: toggle('--yes', 'do not ask, whatever would be lost'),
  },
  examples: ['-c DefaultCluster -t old_topic', '-c DefaultCluster -t old_topic --yes'],
  notes: 'It asks first when the topic has messages, or consumers that are online.',
  async run({ flags: { topic, clusterName, yes }, out, signal, connect }) {
    const admin = await connect();
    mastersOf(await admin.clusterInfo({ signal }), clusterName);
    const losses = yes ? [] : await lossesOf(admin, topic, clusterName, signal);
    if (losses.length > 0) {
      const what = `topic ${topic} has ${losses.join(' and ')}`;
      if (!out.canAsk)
        throw new WrongCallError(`${what}: nothing was deleted. Give --yes to delete it with them.`);
      if (!(await out.confirm(`${what}. Delete it?`, signal))) throw new FaultError('nothing was deleted');
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

/** What would be lost, for a person to read; empty for a topic that nobody misses. */
async function lossesOf(
  admin: Admin,
  topic: string,
  clusterName: string,
  signal: AbortSignal,
): Promise<string[]> {
  try {
    const queues = await admin.topicStats(topic, { clusterName, signal });
    const messages = queues.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0);
    const online: string[] = [];
    for (const group of await admin.groupsOfTopic(topic, { signal })) {
      const members = await admin.consumerConnections(group, { signal }).catch((error: unknown) => {
        // A group of which only offsets are left has nobody.
        if (error instanceof RocketMQError && error.code === 'topic-not-found') return undefined;
        throw error;
      });
      if (members?.subscriptions.some((subscription) => subscription.topic === topic) === true)
        online.push(group);
    }
    return [
      ...(messages > 0 ? [`${messages} ${messages === 1 ? 'message' : 'messages'}`] : []),
      ...(online.length > 0 ? [`consumers online (${online.join(', ')})`] : []),
    ];
  } catch (error) {
    const isUnknown =
      error instanceof RocketMQError && (error.code === 'topic-not-found' || error.responseCode === 17);
    if (isUnknown) throw new FaultError(`there is no topic ${topic}`);
    throw error;
  }
}
