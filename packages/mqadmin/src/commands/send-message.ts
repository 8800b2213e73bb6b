import { Producer } from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { required, text } from '../flags.ts';
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
  },
  examples: ['-t dt_settle -p \'{"version":1}\' -c order_settled -k B123:1:order_settled'],
  async run({ flags: { topic, body, key, tags }, out, signal, clientOptions }) {
    await using producer = new Producer({ ...clientOptions, group: 'mqadmin-send' });
    await producer.start();
    const keys = key?.split(/\s+/);
    const { queue, status, messageId, offsetMessageId, queueOffset } = await producer.send(
      { topic, body, tag: tags, keys },
      { signal },
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
