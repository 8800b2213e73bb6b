import { defineCommand } from '../command.ts';
import { FaultError, WrongCallError } from '../exit.ts';
import { integer, orElse, required, text, time } from '../flags.ts';
import { Columns } from '../output/index.ts';

const columns = new Columns([
  { title: '#Message ID', width: 50 },
  { title: '#QID', width: 4, align: 'right', gap: 1 },
  { title: '#Offset', width: 40, align: 'right', gap: 1 },
]);

export const queryMsgByKey = defineCommand({
  name: 'queryMsgByKey',
  summary: 'Messages by a business key',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    msgKey: required(text('-k, --msgKey <key>', 'one of the keys of the message')),
    beginTimestamp: time(
      '-b, --beginTimestamp <time>',
      'stored at this time or later: ms since 1970, or yyyy-MM-dd#HH:mm:ss:SSS',
    ),
    endTimestamp: time(
      '-e, --endTimestamp <time>',
      'stored at this time or earlier: ms since 1970, or yyyy-MM-dd#HH:mm:ss:SSS',
    ),
    maxNum: orElse(integer('-m, --maxNum <count>', 'messages of one broker, at most', { min: 1 }), 64),
    cluster: text('-c, --cluster <cluster>', 'ask the brokers of this cluster (default: those of the route)'),
  },
  examples: ['-t dt_settle -k B123:1:order_settled', '-t dt_settle -k B123:1:order_settled --json'],
  async run({ flags, out, signal, connect }) {
    const { topic, msgKey, beginTimestamp: begin, endTimestamp: end, maxNum: max, cluster } = flags;
    if (begin !== undefined && end !== undefined && begin > end)
      throw new WrongCallError('--beginTimestamp must not be behind --endTimestamp');
    const admin = await connect();
    const found = await admin.messagesByKey(topic, msgKey, {
      ...{ max, signal, clusterName: cluster },
      ...(begin !== undefined && { begin }),
      ...(end !== undefined && { end }),
    });
    if (found.length === 0) throw new FaultError(`no message of topic ${topic} has the key ${msgKey}`);
    if (out.json) {
      out.document(
        found.map(({ messageId, offsetMessageId, queue, queueOffset, storeTimestamp }) => ({
          messageId,
          offsetMessageId,
          brokerName: queue.brokerName,
          queueId: queue.queueId,
          queueOffset,
          storeTimestamp,
        })),
      );
      return;
    }
    out.line(columns.header());
    for (const { messageId, queue, queueOffset } of found)
      out.line(columns.row([messageId, queue.queueId, queueOffset]));
  },
});
