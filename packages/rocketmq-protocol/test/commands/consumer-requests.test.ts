import { describe, expect, it } from 'vitest';
import { commands, ProtocolError } from '@dt/rocketmq-protocol';

const body = (text: string) => ({ extFields: {}, body: Buffer.from(text) });
const key = '{"brokerName":"broker-a","queueId":1,"topic":"T"}';
const queue = { topic: 'T', brokerName: 'broker-a', queueId: 1 };

describe('bodies as Java writes them', () => {
  it('has queues as keys without quotes in resets and status', () => {
    const { invokeBrokerToResetOffset, invokeBrokerToGetConsumerStatus } = commands;
    expect(invokeBrokerToResetOffset.decodeResponse(body(`{"offsetTable":{${key}:12}}`))).toEqual({
      offsets: [{ queue, offset: 12 }],
    });
    expect(
      invokeBrokerToGetConsumerStatus.decodeResponse(
        body(`{"consumerTable":{"1.2.3.4@5#6":{${key}:3}},"messageQueueTable":{}}`),
      ),
    ).toEqual({ clients: [{ clientId: '1.2.3.4@5#6', offsets: [{ queue, offset: 3 }] }] });
  });

  it('leaves out what is empty: a direct consumption without a remark, running information without a stack', () => {
    const { consumeMessageDirectly, getConsumerRunningInfo } = commands;
    const text = '{"autoCommit":true,"consumeResult":"CR_LATER","order":false,"spentTimeMills":2}';
    expect(consumeMessageDirectly.decodeResponse(body(text))).toEqual({
      ...{ autoCommit: true, consumeResult: 'CR_LATER', order: false, remark: undefined, spentTimeMs: 2 },
    });
    const info = getConsumerRunningInfo.decodeResponse(
      body(`{"mqPopTable":{},"mqTable":{${key}:{"commitOffset":4}},"properties":{},"statusTable":{"T":{}}}`),
    );
    expect(info).toMatchObject({
      queues: [{ queue, commitOffset: 4, cachedMessages: 0, dropped: false }],
      topics: [{ topic: 'T', consumeOkTps: 0 }],
      stack: undefined,
    });
  });

  it('is refused when it says nothing that can be known', () => {
    expect(() =>
      commands.consumeMessageDirectly.decodeResponse(body('{"consumeResult":"CR_MAYBE"}')),
    ).toThrow(ProtocolError);
    expect(() => commands.invokeBrokerToResetOffset.decodeResponse(body('{"offsetTable":{"x":1}}'))).toThrow(
      ProtocolError,
    );
  });
});
