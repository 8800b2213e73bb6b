import { SendError, type Message, type SendOutcome } from '@dt/rocketmq-client';
import { describe, expect, it } from 'vitest';
import { type PublishableMessage, rocketmqPublisher } from '../../src/index.ts';

const row = (id: number): PublishableMessage => ({
  id,
  topic: 'dt_settle',
  tag: 'order_settled',
  messageKey: `bill-${id}:1:order_settled`,
  shardingKey: `p:99:${id}`,
  body: `{"n":${id}}`,
  headers: { traceparent: '00-1-2-01' },
  attempt: 1,
});

const sent: SendOutcome = {
  ok: true,
  result: {
    status: 'SEND_OK',
    messageId: 'ID',
    offsetMessageId: 'OFFSET-ID',
    queue: { topic: 'dt_settle', brokerName: 'broker-a', queueId: 3 },
    queueOffset: 7,
  },
};
const failed = (error: SendError): SendOutcome => ({ ok: false, error });
const lost = new SendError('connection-lost', 'gone', { retryable: true, outcome: 'unknown' });
const tooLarge = new SendError('broker-error', 'too large', { outcome: 'rejected', responseCode: 13 });
const impossible = new SendError('message-invalid', 'no body');

function publish(outcomes: SendOutcome[]) {
  const seen: Message[] = [];
  const publisher = rocketmqPublisher({
    async sendBatch(messages) {
      seen.push(...messages);
      return outcomes;
    },
  });
  const rows = outcomes.map((_, index) => row(index + 1));
  return { seen, answer: publisher.publish(rows, new AbortController().signal) };
}

describe('rows on their way to RocketMQ', () => {
  it('become messages with tag, key, sharding key, body and headers', async () => {
    const { seen, answer } = publish([sent]);
    expect(await answer).toEqual([{ status: 'sent', messageId: 'ID', queueOffset: 7 }]);
    expect(seen).toEqual([
      {
        topic: 'dt_settle',
        tag: 'order_settled',
        keys: 'bill-1:1:order_settled',
        shardingKey: 'p:99:1',
        body: '{"n":1}',
        properties: { traceparent: '00-1-2-01' },
      },
    ]);
  });

  it('are refused for good only for what is their own fault', async () => {
    const { answer } = publish([sent, failed(tooLarge), failed(impossible), failed(lost)]);
    expect((await answer).map(({ status }) => status)).toEqual(['sent', 'rejected', 'rejected', 'retry']);
  });

  it('are not blamed when nothing goes through: the call fails as a whole', async () => {
    await expect(publish([failed(lost), failed(lost)]).answer).rejects.toBe(lost);
  });

  it('may be none', async () => {
    expect(await publish([]).answer).toEqual([]);
  });
});
