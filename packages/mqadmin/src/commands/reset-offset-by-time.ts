import type { Admin } from '@dt/rocketmq-client';
import { nodesOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { FaultError, WrongCallError } from '../exit.ts';
import { address, integer, orElse, required, text, time, trueOrFalse } from '../flags.ts';
import { type NewOffset, resetInCluster, showOffsets } from '../offsets-view.ts';
import { formatMilliseconds } from '../output/index.ts';

export const resetOffsetByTime = defineCommand({
  name: 'resetOffsetByTime',
  summary: 'Have a consumer group go on at another place, while it runs',
  flags: {
    group: required(text('-g, --group <group>', 'consumer group')),
    topic: required(text('-t, --topic <topic>', 'topic')),
    timestamp: time(
      '-s, --timestamp <time>',
      'at this time: now, ms since 1970, or yyyy-MM-dd#HH:mm:ss:SSS; not needed with --offset',
      { now: true },
    ),
    cluster: text('-c, --cluster <cluster>', 'only in the queues of this cluster'),
    broker: address('-b, --broker <address>', 'only at this broker, host:port; with --queue'),
    queue: integer('-q, --queue <id>', 'only in this queue; with --broker', { max: 0x7fffffff }),
    offset: integer('-o, --offset <offset>', 'at this offset instead of a time; with --queue'),
    force: orElse(trueOrFalse('-f, --force <true|false>', 'also forward; brokers of 5.3 always do'), true),
  },
  examples: [
    '-g game-consumer -t dt_settle -s now',
    '-g game-consumer -t dt_settle -s 2026-01-31#18:00:00:000',
    '-g game-consumer -t dt_settle -b 127.0.0.1:10911 -q 0 -o 17',
  ],
  notes: 'Members that run go on at the new offsets, with their next pull at the latest.',
  async run({ flags, out, signal, connect }) {
    const { group, topic, timestamp, cluster, broker, queue, offset, force } = flags;
    if ((broker === undefined) !== (queue === undefined))
      throw new WrongCallError('--broker and --queue are only allowed together');
    if (broker !== undefined && cluster !== undefined)
      throw new WrongCallError('--cluster is not allowed with --broker');
    if (offset !== undefined && queue === undefined)
      throw new WrongCallError('--offset needs --broker and --queue');
    if (timestamp === undefined && offset === undefined)
      throw new WrongCallError('where to? Give -s, --timestamp, for example -s now');
    const admin = await connect();
    if (broker !== undefined && queue !== undefined) {
      const found = await queueAt(admin, topic, broker, queue, signal);
      const target = offset ?? (await admin.offsetByTime(found, timestamp ?? 0, { signal }));
      const to = { queue: found, offset: target };
      const offsets = await admin.resetOffset({ group, topic, to, force }, { signal });
      if (out.json) showOffsets(offsets, out);
      else {
        const where = `group[${group}], topic[${topic}], queueId[${queue}], broker[${broker}]`;
        out.line(`start reset consumer offset by specified, ${where}, ${shownTime(timestamp)}`);
        out.line(`reset consumer offset to ${target}`);
      }
      return;
    }
    const at = timestamp ?? 0;
    const offsets: readonly NewOffset[] =
      cluster === undefined
        ? await admin.resetOffset({ group, topic, to: { timestamp: at }, force }, { signal })
        : await resetInCluster(admin, { group, topic, cluster, timestamp: at }, signal);
    if (!out.json) {
      const what = `group[${group}], topic[${topic}], force[${force}]`;
      out.line(`start reset consumer offset by specified, ${what}, ${shownTime(at)}`);
    }
    showOffsets(offsets, out);
  },
});

function shownTime(timestamp: number | undefined): string {
  return timestamp === undefined
    ? 'timestamp(string)[none], timestamp(long)[0]'
    : `timestamp(string)[${formatMilliseconds(timestamp)}], timestamp(long)[${timestamp}]`;
}

async function queueAt(admin: Admin, topic: string, broker: string, queueId: number, signal: AbortSignal) {
  const node = nodesOf(await admin.clusterInfo({ signal })).find(({ address }) => address === broker);
  if (node === undefined)
    throw new FaultError(`no broker has the address ${broker}; clusterList shows those there are`);
  const { brokerName } = node;
  const { readableQueues } = await admin.topicRoute(topic);
  const queue = readableQueues.find((known) => known.brokerName === brokerName && known.queueId === queueId);
  if (queue === undefined) throw new FaultError(`topic ${topic} has no queue ${queueId} at ${brokerName}`);
  return queue;
}
