import { describe, expect, it } from 'vitest';
import {
  compareMessageQueues,
  decodeHeartbeatData,
  decodeTopicRouteData,
  encodeHeartbeatData,
  encodeTopicRouteData,
  JsonReader,
  messageQueueKey,
  subscriptionGroupConfigFromJson,
  subscriptionGroupConfigOf,
  subscriptionGroupConfigToJson,
  subscriptionOf,
} from '@dt/rocketmq-protocol';

const ROUTE =
  '{"brokerDatas":[{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}';

describe('route data', () => {
  it('is written as RocketMQ 5.3.0 writes it', () => {
    expect(encodeTopicRouteData(decodeTopicRouteData(Buffer.from(ROUTE))).toString()).toBe(ROUTE);
  });

  it('is read with bare broker ids too', () => {
    const old = Buffer.from(ROUTE.replace('"0":', '0:'));
    expect(decodeTopicRouteData(old)).toEqual(decodeTopicRouteData(Buffer.from(ROUTE)));
  });

  it('keeps the order configuration', () => {
    const route = { brokerDatas: [], queueDatas: [], orderTopicConf: 'broker-a:4' };
    expect(decodeTopicRouteData(encodeTopicRouteData(route))).toEqual(route);
  });

  it('refuses a document without what it needs', () => {
    expect(() => decodeTopicRouteData(Buffer.from('{"queueDatas":[{"brokerName":"b"}]}'))).toThrow(/readQueueNums is missing/);
    expect(() => decodeTopicRouteData(Buffer.from('[]'))).toThrow(/not an object/);
    expect(() => decodeTopicRouteData(Buffer.alloc(0))).toThrow(/JSON/);
  });
});

describe('heartbeat', () => {
  it('reads what it writes', () => {
    const heartbeat = {
      clientId: '10.0.0.1@1234#567',
      producerGroups: ['CLIENT_INNER_PRODUCER'],
      consumers: [
        {
          groupName: 'G',
          consumeType: 'CONSUME_PASSIVELY' as const,
          messageModel: 'CLUSTERING' as const,
          consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET' as const,
          unitMode: false,
          subscriptions: [subscriptionOf('T', 'TagA || TagB', 1700000000000)],
        },
      ],
    };
    expect(decodeHeartbeatData(encodeHeartbeatData(heartbeat))).toEqual(heartbeat);
  });

  it('reads hash codes written as texts, and absent parts as empty', () => {
    const heartbeat = decodeHeartbeatData(
      Buffer.from('{"clientID":"c","consumerDataSet":[{"groupName":"G","subscriptionDataSet":[{"topic":"T","codeSet":["2598919"]}]}]}'),
    );
    expect(heartbeat.producerGroups).toEqual([]);
    expect(heartbeat.consumers[0]?.subscriptions[0]).toMatchObject({ topic: 'T', codeSet: [2598919], subString: '*' });
  });
});

describe('subscription', () => {
  it('splits a tag expression and hashes each tag once', () => {
    expect(subscriptionOf('T', ' TagA||TagB || TagA ', 5)).toMatchObject({
      tagsSet: ['TagA', 'TagB'],
      codeSet: [2598919, 2598920],
      subVersion: 5,
    });
  });

  it.each(['', '*', ' * '])('takes %j for everything', (expression) => {
    expect(subscriptionOf('T', expression, 0)).toMatchObject({ subString: '*', tagsSet: [], codeSet: [] });
  });

  it('refuses an expression without a tag', () => {
    expect(() => subscriptionOf('T', '||', 0)).toThrow(/names no tag/);
  });
});

describe('message queue', () => {
  it('has a canonical text and an order that all clients share', () => {
    expect(messageQueueKey({ topic: 'T', brokerName: 'b', queueId: 0 })).toBe('{"brokerName":"b","queueId":0,"topic":"T"}');
    const queues = [
      { topic: 'T', brokerName: 'b', queueId: 10 },
      { topic: 'T', brokerName: 'b', queueId: 9 },
      { topic: 'T', brokerName: 'a', queueId: 11 },
      { topic: 'A', brokerName: 'z', queueId: 12 },
    ];
    expect(queues.sort(compareMessageQueues).map((queue) => queue.queueId)).toEqual([12, 11, 9, 10]);
  });
});

describe('the retry policy of a consumer group', () => {
  const read = (policy: string) =>
    subscriptionGroupConfigFromJson(
      JsonReader.parse(Buffer.from(`{"groupName":"G","groupRetryPolicy":${policy}}`), 'group'),
    );
  const written = (policy: string): string =>
    JSON.stringify(subscriptionGroupConfigToJson(read(policy))['groupRetryPolicy']);

  it.each([
    '{"type":"CUSTOMIZED"}',
    '{"type":"EXPONENTIAL"}',
    '{"exponentialRetryPolicy":{"initial":1000,"max":60000,"multiplier":3},"type":"EXPONENTIAL"}',
    '{"customizedRetryPolicy":{"next":[1000,5000,10000]},"type":"CUSTOMIZED"}',
  ])('is written as RocketMQ 5.3 writes it: %s', (policy) => {
    expect(written(policy)).toBe(policy);
  });

  it.each([
    ['null', '{"type":"CUSTOMIZED"}'],
    ['{}', '{"type":"CUSTOMIZED"}'],
    ['{"type":"exponential"}', '{"type":"EXPONENTIAL"}'],
    [
      '{"type":"EXPONENTIAL","exponentialRetryPolicy":{}}',
      '{"exponentialRetryPolicy":{"initial":5000,"max":7200000,"multiplier":2},"type":"EXPONENTIAL"}',
    ],
    ['{"customizedRetryPolicy":{"next":["7"]}}', '{"customizedRetryPolicy":{"next":[7]},"type":"CUSTOMIZED"}'],
  ])('is completed as RocketMQ 5.3 does it: %s', (policy, whole) => {
    expect(written(policy)).toBe(whole);
  });

  it("has RocketMQ's delay levels where it names no delays", () => {
    const { next = [] } = read('{"customizedRetryPolicy":{}}').groupRetryPolicy.customizedRetryPolicy ?? {};
    expect(next).toHaveLength(18);
    expect([next[0], next[4], next[17]]).toEqual([1_000, 60_000, 7_200_000]);
  });

  it('is refused when it is no policy', () => {
    for (const policy of ['[1]', '{"customizedRetryPolicy":{"next":["x"]}}', '{"exponentialRetryPolicy":{"max":1.5}}'])
      expect(() => read(policy), policy).toThrow(/is not|not an object/);
  });

  it('is that of RocketMQ for a group that has none of its own', () => {
    expect(subscriptionGroupConfigOf('G').groupRetryPolicy).toEqual({ type: 'CUSTOMIZED' });
  });
});
