import { setTimeout as sleep } from 'node:timers/promises';
import { Admin, Producer, PushConsumer, type PushConsumerOptions, RocketMQError } from '@dt/rocketmq-client';
import {
  commands,
  createRequest,
  encodeCommand,
  RequestCode,
  ResponseCode,
  type TopicRouteData,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const times = { requestTimeoutMs: 2000 };

function consumerOf(cluster: ScriptedCluster, options: Partial<PushConsumerOptions> = {}): PushConsumer {
  return new PushConsumer({
    ...{ ...times, nameServers: [cluster.address], group: 'G', closeTimeoutMs: 1000 },
    subscriptions: [{ topic: 'T', expression: '*' }],
    handler: async () => undefined,
    ...options,
  });
}

/** Told for every topic. */
function routeOf(cluster: ScriptedCluster, change: Partial<TopicRouteData>): void {
  const broker = { cluster: 'C', brokerName: 'broker-a', brokerAddrs: { '0': cluster.address } };
  const queues = { brokerName: 'broker-a', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 };
  const route = { brokerDatas: [broker], queueDatas: [queues], ...change };
  cluster.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, (request, peer) =>
    peer.respond(request, 0, commands.getRouteInfoByTopic.encodeResponse(route)),
  );
}

const queues = (count: number, brokerName = 'broker-a') => ({
  ...{ brokerName, readQueueNums: count, writeQueueNums: count, perm: 6, topicSysFlag: 0 },
});

const wrongRoutes: Record<string, [change: Partial<TopicRouteData>, code: string]> = {
  'of a million queues': [{ queueDatas: [queues(1_000_000)] }, 'bad-answer'],
  'of two thousand million queues': [{ queueDatas: [queues(0x7fffffff)] }, 'bad-answer'],
  'of many brokers with many queues': [
    { queueDatas: Array.from({ length: 1000 }, (_, n) => queues(60_000, `b${n}`)) },
    'bad-answer',
  ],
  'of an order with a million queues': [{ orderTopicConf: 'broker-a:1000000' }, 'bad-answer'],
  'of less than no queues': [{ queueDatas: [queues(-3)] }, 'topic-not-found'],
  'whose brokers have no address': [
    { brokerDatas: [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: {} }] },
    'topic-not-found',
  ],
  'whose brokers are not named': [{ brokerDatas: [] }, 'topic-not-found'],
  'whose address is none': [
    { brokerDatas: [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: { '0': 'no address' } }] },
    'connect-failed',
  ],
};

describe.each(Object.entries(wrongRoutes))('a route %s', (_, [change, code]) => {
  it('fails the send with a code', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    routeOf(cluster, change);
    const producer = new Producer({
      ...{ ...times, nameServers: [cluster.address], group: 'PG', sendTimeoutMs: 300, retryPauseMs: 10 },
    });
    await producer.start();
    const failure = await producer.send({ topic: 'T', body: 'x' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(RocketMQError);
    expect(failure).toMatchObject({ code, outcome: 'not-sent' });
    await producer.close();
  });

  it('is looked up with pauses by a consumer, which closes in time', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    routeOf(cluster, change);
    const consumer = consumerOf(cluster);
    const startedAt = performance.now();
    // It may not start; it must not hang, and not ask all the time.
    await consumer.start().catch((error: unknown) => expect(error).toBeInstanceOf(RocketMQError));
    await sleep(300);
    await consumer.close();
    expect(performance.now() - startedAt).toBeLessThan(6000);
    expect(cluster.server.requests.length).toBeLessThan(60);
  });
});

it('a lock of queues that were not asked for gives no right to any other', async () => {
  await using cluster = await ScriptedCluster.start({ T: 2 });
  cluster.stored[0] = [{ body: 'mine' }];
  cluster.stored[1] = [{ body: 'not mine' }];
  cluster.on(RequestCode.LOCK_BATCH_MQ, (request, peer) => {
    const asked = commands.lockQueues.decodeRequest(request).queues;
    const foreign = Array.from({ length: 100 }, (_, queueId) => ({
      ...{ topic: queueId % 2 === 0 ? 'U' : 'T', brokerName: 'broker-b', queueId },
    }));
    const own = asked.filter(({ topic, queueId }) => topic === 'T' && queueId === 0);
    peer.respond(request, 0, commands.lockQueues.encodeResponse({ lockedQueues: [...foreign, ...own] }));
  });
  const bodies: string[] = [];
  const consumer = consumerOf(cluster, {
    queueLocks: true,
    handler: async (messages) => void bodies.push(...messages.map(({ body }) => String(body))),
  });
  await consumer.start();
  await until(() => bodies.length > 0, 'the message of the queue that is locked');
  await sleep(300);
  expect(bodies).toEqual(['mine']);
  expect(
    consumer.queues.map(({ topic, brokerName, queueId }) => `${topic} ${brokerName} ${queueId}`),
  ).toEqual(['T broker-a 0']);
  await consumer.close();
});

it('a storm of notices costs a few requests, not one each', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  const consumer = consumerOf(cluster);
  await consumer.start();
  const before = cluster.server.requestsOf(RequestCode.GET_CONSUMER_LIST_BY_GROUP).length;
  const notice = commands.notifyConsumerIdsChanged.encodeRequest({ consumerGroup: 'G' });
  const startedAt = performance.now();
  for (let round = 0; round < 20; round++) {
    const notices = Array.from({ length: 500 }, (_, n) =>
      encodeCommand(
        createRequest(RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, notice, { opaque: n, oneway: n % 2 === 0 }),
      ),
    );
    for (const { socket } of cluster.server.peers) socket.write(Buffer.concat(notices));
    await sleep(20);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const asked = cluster.server.requestsOf(RequestCode.GET_CONSUMER_LIST_BY_GROUP).length - before;
  // One round of sharing out each 200 ms, for the topic and the retry topic.
  expect(asked).toBeLessThan(2 * (seconds / 0.2 + 2));
  await consumer.close();
});

it('a broker that asks and asks and does not read the answers loses its connection', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  const consumer = consumerOf(cluster);
  await consumer.start();
  const [peer] = cluster.server.peers;
  if (peer === undefined) throw new Error('nobody is connected');
  peer.socket.pause();
  // Unknown requests are answered, too, with a text.
  const question = encodeCommand(createRequest(4711, {}, { opaque: 1 }));
  const questions = Buffer.concat(Array.from({ length: 2000 }, () => question));
  let refused: Error | null | undefined;
  for (let round = 0; round < 1000 && !refused; round++) {
    refused = await new Promise((resolve) => peer.socket.write(questions, resolve));
    await sleep(1);
  }
  expect(refused).toBeInstanceOf(Error);
  await consumer.close();
}, 60_000);

it('answers that nobody asked for are dropped, and what was asked is still answered', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  cluster.on(commands.getAllTopicList.code, (request, peer) => {
    for (let n = 0; n < 1000; n++) peer.respond({ ...request, opaque: request.opaque + 1 + n }, 1);
    const body = commands.getAllTopicList.encodeResponse({ topics: ['T'] });
    peer.respond(request, 0, body);
    peer.respond(request, ResponseCode.SYSTEM_ERROR, { remark: 'again, and otherwise' });
  });
  await using admin = new Admin({ ...times, nameServers: [cluster.address] });
  await admin.start();
  for (let n = 0; n < 5; n++) expect(await admin.topicList()).toEqual(['T']);
  expect(cluster.server.peers).toHaveLength(1);
});

it.each([
  ['longer than any may be', Buffer.from('7fffffff', 'hex')],
  ['shorter than its own length', Buffer.from('00000001', 'hex')],
  ['of less than nothing', Buffer.from('ffffffff', 'hex')],
  ['with a header longer than itself', Buffer.from('0000000800ffffff00000000', 'hex')],
  ['whose header is no JSON', Buffer.from('0000000800000004' + '7b7b7b7b', 'hex')],
])('a frame %s closes the connection, and the next call has a new one', async (_, frame) => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  let isWrong = true;
  cluster.on(commands.getAllTopicList.code, (request, peer) => {
    if (isWrong) peer.socket.write(frame);
    else peer.respond(request, 0, commands.getAllTopicList.encodeResponse({ topics: ['T'] }));
  });
  await using admin = new Admin({ ...times, nameServers: [cluster.address] });
  await admin.start();
  const failure = await admin.topicList().catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'RocketMQError', outcome: 'unknown', retryable: true });
  isWrong = false;
  expect(await admin.topicList()).toEqual(['T']);
  expect(cluster.server.peers).toHaveLength(2);
});
