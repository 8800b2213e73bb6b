import { type ReceivedMessage as RocketMQMessage } from '@dt/rocketmq-client';
import { expect, it } from 'vitest';
import { type ReceivedMessage, rocketmqReceiver } from '../../src/index.ts';

/** As RocketMQ 5.3.0 delivers a message with a header of its own. */
const delivered: RocketMQMessage = {
  topic: 'dt_settle',
  tag: 'order_settled',
  keys: ['bill-1:1:order_settled'],
  shardingKey: 'p:99:1',
  properties: {
    TAGS: 'order_settled',
    KEYS: 'bill-1:1:order_settled',
    __SHARDINGKEY: 'p:99:1',
    UNIQ_KEY: 'C00002021DFFA3CDD99501194D010007',
    WAIT: 'true',
    MSG_REGION: 'DefaultRegion',
    CLUSTER: 'DefaultCluster',
    TRACE_ON: 'true',
    traceparent: '00-1-2-01',
  },
  body: Buffer.from('{"n":1}'),
  messageId: 'C00002021DFFA3CDD99501194D010007',
  offsetMessageId: 'OFFSET-ID',
  queue: { topic: 'dt_settle', brokerName: 'broker-a', queueId: 3 },
  queueOffset: 7,
  bornTimestamp: 1_700_000_000_000,
  storeTimestamp: 1_700_000_000_001,
  reconsumeTimes: 0,
};

it('gives the inbox what was sent, with the headers of the sender alone', async () => {
  const received: ReceivedMessage[] = [];
  const receive = rocketmqReceiver({
    async receive(messages) {
      received.push(...messages);
      const none = { applied: 0, duplicates: 0, deferred: 0, dead: 0, unknown: 0 };
      return { ...none, received: messages.length, durationMs: 0, oldestMs: undefined };
    },
  });
  await receive([delivered]);
  expect(received).toEqual([
    {
      topic: 'dt_settle',
      tag: 'order_settled',
      messageKey: 'bill-1:1:order_settled',
      shardingKey: 'p:99:1',
      body: Buffer.from('{"n":1}'),
      headers: { traceparent: '00-1-2-01' },
      messageId: 'C00002021DFFA3CDD99501194D010007',
      sentAtMs: 1_700_000_000_000,
    },
  ]);
});
