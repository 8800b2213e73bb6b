import { defineCommand } from '../command.ts';
import { orElse, required, text, trueOrFalse } from '../flags.ts';
import { resetInCluster, showOffsets } from '../offsets-view.ts';

export const skipAccumulatedMessage = defineCommand({
  name: 'skipAccumulatedMessage',
  summary: 'Have a consumer group pass by everything that is stored in a topic now',
  flags: {
    group: required(text('-g, --group <group>', 'consumer group')),
    topic: required(text('-t, --topic <topic>', 'topic')),
    cluster: text('-c, --cluster <cluster>', 'only in the queues of this cluster'),
    force: orElse(trueOrFalse('-f, --force <true|false>', 'also forward; brokers of 5.3 always do'), true),
  },
  examples: ['-g game-consumer -t dt_settle'],
  notes: 'Members that run go on at the new offsets, with their next pull at the latest.',
  async run({ flags: { group, topic, cluster, force }, out, signal, connect }) {
    const admin = await connect();
    const offsets =
      cluster === undefined
        ? await admin.resetOffset({ group, topic, to: 'last', force }, { signal })
        : await resetInCluster(admin, { group, topic, cluster, timestamp: 'last' }, signal);
    showOffsets(offsets, out);
  },
});
