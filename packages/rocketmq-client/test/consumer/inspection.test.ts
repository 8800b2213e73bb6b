import { describe, expect, it } from 'vitest';
import {
  commands,
  createRequest,
  encodeStoredMessage,
  isResponse,
  type RemotingCommand,
  RequestCode,
} from '@dt/rocketmq-protocol';
import { PushConsumer, type PushConsumerOptions } from '@dt/rocketmq-client';
import { ConsumeStatistics } from '../../src/consumer/consume-statistics.ts';
import { QueueActivity } from '../../src/consumer/queue-activity.ts';
import { SlidingSum } from '../../src/consumer/sliding-sum.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

function consumerOn(cluster: ScriptedCluster, options: Partial<PushConsumerOptions>): PushConsumer {
  return new PushConsumer({
    ...{ nameServers: cluster.address, group: 'G', commitIntervalMs: 10 },
    subscriptions: [{ topic: 'T', expression: '*' }],
    handler: async () => undefined,
    ...options,
  });
}

let asked = 1000;

/** The answer of the client to a request of the broker. */
async function ask<Request, Response>(
  cluster: ScriptedCluster,
  codec: commands.CommandCodec<Request, Response>,
  request: Request,
): Promise<RemotingCommand> {
  const opaque = asked++;
  const command = createRequest(codec.code, codec.encodeRequest(request), { opaque });
  cluster.server.peers.at(-1)?.send(command);
  const answer = (): RemotingCommand | undefined =>
    cluster.server.requests.find((received) => isResponse(received) && received.opaque === opaque);
  await until(() => answer() !== undefined, 'an answer');
  const found = answer();
  if (found === undefined) throw new Error('it was there');
  return found;
}

const info = { consumerGroup: 'G', clientId: 'c', jstackEnable: true };

describe('a consumer that is asked what it does', () => {
  it('tells a handler that runs, and that it is paused', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
    let end: () => void = () => undefined;
    await using consumer = consumerOn(cluster, {
      handler: () => new Promise((resolve) => (end = () => resolve(undefined))),
    });
    await consumer.start();
    const tell = async () =>
      commands.getConsumerRunningInfo.decodeResponse(
        await ask(cluster, commands.getConsumerRunningInfo, info),
      );
    await until(() => cluster.server.requestsOf(RequestCode.PULL_MESSAGE).length >= 3, 'the second pull');
    const busy = await tell();
    expect(busy.queues.find(({ queue }) => queue.topic === 'T')).toMatchObject({
      ...{ cachedMessages: 2, cachedMinOffset: 0, cachedMaxOffset: 1, commitOffset: 0, locked: false },
    });
    expect(busy.stack).toMatch(
      /T broker-a 0: handler runs for \d+ ms \(2 messages from offset 0, attempt 1\), 2 messages held/,
    );
    end();
    await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit');
    consumer.pause();
    expect((await tell()).stack).toContain('T broker-a 0: paused, 0 messages held');
  });

  it('answers for its own group only', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using consumer = consumerOn(cluster, {});
    await consumer.start();
    const answer = await ask(cluster, commands.getConsumerRunningInfo, { ...info, consumerGroup: 'other' });
    expect([answer.code, answer.remark]).toEqual([
      1,
      'The Consumer Group <other> not exist in this consumer',
    ]);
  });
});

describe('a message that is to be consumed directly', () => {
  const body = encodeStoredMessage({
    ...{ topic: '%RETRY%G', queueId: 3, flag: 0, queueOffset: 9, physicalOffset: 1, sysFlag: 0 },
    ...{ bornTimestamp: 1, bornHost: { ip: '127.0.0.1', port: 1 }, storeTimestamp: 2 },
    ...{ storeHost: { ip: '127.0.0.1', port: 2 }, reconsumeTimes: 2, preparedTransactionOffset: 0 },
    ...{ body: Buffer.from('x'), properties: { RETRY_TOPIC: 'T' } },
  });
  const direct = {
    ...{ consumerGroup: 'G', clientId: 'c', msgId: 'm', brokerName: 'broker-b', topic: 'T' },
    ...{ topicSysFlag: 0, groupSysFlag: 0, body },
  };

  it('reaches the handler with its first topic and the queue it was stored in', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const got: unknown[] = [];
    await using consumer = consumerOn(cluster, {
      ...{ queueLocks: true, onError: 'suspend' },
      handler: async ([message], { queue, attempt }) =>
        void got.push([message?.topic, message?.reconsumeTimes, queue, attempt]),
    });
    await consumer.start();
    const answer = await ask(cluster, commands.consumeMessageDirectly, direct);
    expect(commands.consumeMessageDirectly.decodeResponse(answer)).toMatchObject({
      ...{ consumeResult: 'CR_SUCCESS', order: true },
    });
    expect(got).toEqual([['T', 2, { topic: '%RETRY%G', brokerName: 'broker-b', queueId: 3 }, 1]]);
  });

  it('is refused when the request has none', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using consumer = consumerOn(cluster, {});
    await consumer.start();
    const answer = await ask(cluster, commands.consumeMessageDirectly, { ...direct, body: Buffer.alloc(0) });
    expect([answer.code, answer.remark]).toEqual([1, 'the request has no message']);
  });
});

describe('figures', () => {
  it('forget what is older than their window', () => {
    const sum = new SlidingSum(10, 3);
    sum.add(1, 1000);
    sum.add(2, 1010);
    sum.add(4, 1020);
    expect(sum.sum(1029)).toBe(7);
    expect(sum.sum(1030)).toBe(6);
    expect(sum.sum(1045)).toBe(4);
    expect(sum.sum(9999)).toBe(0);
    sum.add(8, 9000);
    expect(sum.sum(9999)).toBe(8);
  });

  it('are averages by call and sums by message', () => {
    const statistics = new ConsumeStatistics();
    statistics.pulled('T', 10, 4);
    statistics.pulled('T', 20, 8);
    statistics.handled('T', 10, 0, 30);
    statistics.handled('T', 10, 4, 50);
    expect(statistics.status('T')).toEqual({
      ...{ topic: 'T', pullRtMs: 6, pullTps: 30, consumeRtMs: 40 },
      ...{ consumeOkTps: 16, consumeFailedTps: 4, consumeFailedMessages: 4 },
    });
    expect(statistics.status('other').consumeRtMs).toBe(0);
  });

  it('name what a queue waits for', () => {
    const activity = new QueueActivity();
    expect(activity.describe(false, 0)).toBe('waits for messages');
    expect(activity.describe(false, 2)).toBe('waits for its turn or its next try, 2 messages held');
  });
});
