import { type MessageQueue, Producer } from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { FaultError, WrongCallError } from '../exit.ts';
import { integer, orElse, required, text, trueOrFalse } from '../flags.ts';
import { Columns } from '../output/index.ts';

const columns = new Columns([
  { title: '#Broker Name', width: 32 },
  { title: '#QID', width: 4 },
  { title: '#Send Result', width: 20 },
  { title: '#MsgId', gap: 1 },
]);

export const sendMessage = defineCommand({
  name: 'sendMessage',
  summary: 'Send one message',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    body: required(text('-p, --body <text>', 'body, as UTF-8')),
    key: text('-k, --key <keys>', 'keys, with blanks between them'),
    tags: text('-c, --tags <tag>', 'tag'),
    broker: text('-b, --broker <name>', 'to this broker, by its name (default: any)'),
    msgTraceEnable: orElse(
      trueOrFalse('-m, --msgTraceEnable <true|false>', 'record it in the topic of traces'),
      false,
    ),
    qid: integer('-i, --qid <id>', 'with --broker: to this queue', { max: 0x7fffffff }),
  },
  examples: ['-t dt_settle -p \'{"version":1}\' -c order_settled -k B123:1:order_settled'],
  async run({ flags, out, signal, clientOptions, connect }) {
    const { topic, body, key, tags, broker, qid, msgTraceEnable: messageTrace } = flags;
    if (qid !== undefined && broker === undefined) throw new WrongCallError('--qid needs --broker');
    await using producer = new Producer({ ...clientOptions, group: 'mqadmin-send', messageTrace });
    await producer.start();
    const keys = key?.split(/\s+/);
    const target =
      broker === undefined
        ? undefined
        : requireQueue((await (await connect()).topicRoute(topic)).writableQueues, broker, qid);
    const { queue, status, messageId, offsetMessageId, queueOffset } = await producer.send(
      { topic, body, tag: tags, keys },
      { signal, ...(target !== undefined && { selectQueue: () => target }) },
    );
    if (out.json) {
      const { brokerName, queueId } = queue;
      out.document({ brokerName, queueId, queueOffset, status, messageId, offsetMessageId });
      return;
    }
    out.line(columns.header());
    out.line(columns.row([queue.brokerName, queue.queueId, status, messageId]));
  },
});

function requireQueue(
  queues: readonly MessageQueue[],
  broker: string,
  qid: number | undefined,
): MessageQueue {
  const own = queues.filter(({ brokerName }) => brokerName === broker);
  const queue = qid === undefined ? own[0] : own.find(({ queueId }) => queueId === qid);
  if (queue !== undefined) return queue;
  const known = queues.map(({ brokerName, queueId }) => `${brokerName} ${queueId}`).join(', ');
  throw new FaultError(
    `the topic has no writable queue ${qid === undefined ? '' : `${qid} `}at broker ${broker}; it has: ${known}`,
  );
}
