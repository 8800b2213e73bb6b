import { versionName } from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { address, required, text } from '../flags.ts';
import { Columns } from '../output/index.ts';

const columns = new Columns([
  { title: '#ClientId', width: 36 },
  { title: '#ClientAddr', width: 22, gap: 1 },
  { title: '#Language', width: 10, gap: 1 },
  { title: '#Version', gap: 1 },
]);
const subscriptionColumns = new Columns([
  { title: '#Topic', width: 20 },
  { title: '#SubExpression', gap: 1 },
]);

export const consumerConnection = defineCommand({
  name: 'consumerConnection',
  summary: 'Members of a consumer group that are online, and what they subscribe to',
  flags: {
    consumerGroup: required(text('-g, --consumerGroup <group>', 'consumer group')),
    brokerAddr: address(
      '-b, --brokerAddr <address>',
      'ask this broker, host:port (default: one of the group)',
    ),
  },
  examples: ['-g game-consumer', '-g game-consumer --json'],
  async run({ flags: { consumerGroup, brokerAddr }, out, signal, connect }) {
    const admin = await connect();
    const online = await admin.consumerConnections(consumerGroup, {
      signal,
      ...(brokerAddr !== undefined && { brokerAddress: brokerAddr }),
    });
    if (online === undefined) throw new FaultError(`no member of group ${consumerGroup} is online`);
    const connections = online.connections.map(({ version, ...connection }) => ({
      ...connection,
      version: versionName(version),
    }));
    const subscriptions = online.subscriptions
      .map(({ topic, subString }) => ({ topic, expression: subString }))
      .sort((a, b) => (a.topic < b.topic ? -1 : 1));
    const { consumeType, messageModel, consumeFromWhere } = online;
    if (out.json) {
      out.document({ connections, subscriptions, consumeType, messageModel, consumeFromWhere });
      return;
    }
    out.line(columns.header());
    for (const { clientId, clientAddr, language, version } of connections)
      out.line(columns.row([clientId, clientAddr, language, version]));
    out.line();
    out.line('Below is subscription:');
    out.line(subscriptionColumns.header());
    for (const { topic, expression } of subscriptions) out.line(subscriptionColumns.row([topic, expression]));
    out.line();
    out.line(`ConsumeType: ${consumeType}`);
    out.line(`MessageModel: ${messageModel}`);
    out.line(`ConsumeFromWhere: ${consumeFromWhere}`);
  },
});
