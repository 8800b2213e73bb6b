import { eventually, protocol, RawConnection, startBroker, uniqueName } from '@dt/testkit';
import { describe, expect, onTestFinished, test } from 'vitest';
import expectations from './bad-requests.json' with { type: 'json' };
import {
  awaitStored,
  commands,
  done,
  makeTopic,
  openBroker,
  ResponseCode,
  rocketmq,
  sendRequest,
} from './wire.ts';

/** A good request. Fields whose names end with `#` are numbers. */
interface Request {
  code: number;
  fields: Record<string, string>;
  body?: string;
}

const { RequestCode } = protocol;

function brokerRequests(topic: string, group: string): Record<string, Request> {
  const queue = { topic, 'queueId#': '0' };
  const pull = {
    ...{ consumerGroup: group, ...queue, 'queueOffset#': '0', 'maxMsgNums#': '1', 'sysFlag#': '4' },
    ...{ 'commitOffset#': '0', 'suspendTimeoutMillis#': '0', 'subVersion#': '0', subscription: '*' },
    ...{ expressionType: 'TAG', 'maxMsgBytes#': '1000' },
  };
  const receipt = {
    ...{ consumerGroup: group, ...queue, 'offset#': '0' },
    extraInfo: '0 1700000000000 60000 0 0 broker-a 0 0',
  };
  return {
    SEND_MESSAGE_V2: {
      code: RequestCode.SEND_MESSAGE_V2,
      fields: {
        ...{
          a: 'PG',
          b: topic,
          c: 'TBW102',
          'd#': '4',
          'e#': '0',
          'f#': '0',
          'g#': '1700000000000',
          'h#': '0',
        },
        ...{ i: '', 'j#': '0', k: 'false', 'l#': '16', m: 'false', n: 'broker-a' },
      },
      body: 'x',
    },
    QUERY_MESSAGE: {
      code: RequestCode.QUERY_MESSAGE,
      fields: {
        topic,
        key: 'k',
        'maxNum#': '32',
        'beginTimestamp#': '0',
        'endTimestamp#': '9007199254740991',
      },
    },
    QUERY_CONSUMER_OFFSET: {
      code: RequestCode.QUERY_CONSUMER_OFFSET,
      fields: { consumerGroup: group, ...queue, setZeroIfNotFound: 'false' },
    },
    UPDATE_CONSUMER_OFFSET: {
      code: RequestCode.UPDATE_CONSUMER_OFFSET,
      fields: { consumerGroup: group, ...queue, 'commitOffset#': '0' },
    },
    UPDATE_AND_CREATE_TOPIC: {
      code: RequestCode.UPDATE_AND_CREATE_TOPIC,
      fields: {
        ...{ topic, defaultTopic: 'TBW102', 'readQueueNums#': '1', 'writeQueueNums#': '1', 'perm#': '6' },
        ...{ topicFilterType: 'SINGLE_TAG', 'topicSysFlag#': '0', order: 'false', attributes: '' },
      },
    },
    UPDATE_AND_CREATE_TOPIC_LIST: { code: RequestCode.UPDATE_AND_CREATE_TOPIC_LIST, fields: {} },
    SEARCH_OFFSET_BY_TIMESTAMP: {
      code: RequestCode.SEARCH_OFFSET_BY_TIMESTAMP,
      fields: { ...queue, 'timestamp#': '0', boundaryType: 'LOWER' },
    },
    GET_MAX_OFFSET: { code: RequestCode.GET_MAX_OFFSET, fields: { ...queue, committed: 'true' } },
    GET_MIN_OFFSET: { code: RequestCode.GET_MIN_OFFSET, fields: queue },
    GET_EARLIEST_MSG_STORETIME: { code: RequestCode.GET_EARLIEST_MSG_STORETIME, fields: queue },
    VIEW_MESSAGE_BY_ID: {
      code: RequestCode.VIEW_MESSAGE_BY_ID,
      fields: { topic, 'offset#': '9007199254740991' },
    },
    HEART_BEAT: { code: RequestCode.HEART_BEAT, fields: {} },
    UNREGISTER_CLIENT: {
      code: RequestCode.UNREGISTER_CLIENT,
      fields: { clientID: 'c', producerGroup: 'PG', consumerGroup: group },
    },
    CONSUMER_SEND_MSG_BACK: {
      code: RequestCode.CONSUMER_SEND_MSG_BACK,
      fields: {
        ...{ 'offset#': '9007199254740991', group, 'delayLevel#': '0', originMsgId: 'x', originTopic: topic },
        ...{ unitMode: 'false', 'maxReconsumeTimes#': '16' },
      },
    },
    GET_CONSUMER_LIST_BY_GROUP: {
      code: RequestCode.GET_CONSUMER_LIST_BY_GROUP,
      fields: { consumerGroup: group },
    },
    LOCK_BATCH_MQ: { code: RequestCode.LOCK_BATCH_MQ, fields: {} },
    UNLOCK_BATCH_MQ: { code: RequestCode.UNLOCK_BATCH_MQ, fields: {} },
    UPDATE_AND_CREATE_SUBSCRIPTIONGROUP: {
      code: RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
      fields: {},
    },
    GET_TOPIC_STATS_INFO: { code: RequestCode.GET_TOPIC_STATS_INFO, fields: { topic } },
    GET_CONSUMER_CONNECTION_LIST: {
      code: RequestCode.GET_CONSUMER_CONNECTION_LIST,
      fields: { consumerGroup: group },
    },
    GET_PRODUCER_CONNECTION_LIST: {
      code: RequestCode.GET_PRODUCER_CONNECTION_LIST,
      fields: { producerGroup: 'PG' },
    },
    DELETE_SUBSCRIPTIONGROUP: {
      code: RequestCode.DELETE_SUBSCRIPTIONGROUP,
      fields: { groupName: 'nobody', cleanOffset: 'false' },
    },
    GET_CONSUME_STATS: { code: RequestCode.GET_CONSUME_STATS, fields: { consumerGroup: group, topic } },
    DELETE_TOPIC_IN_BROKER: { code: RequestCode.DELETE_TOPIC_IN_BROKER, fields: { topic: 'nothing' } },
    QUERY_TOPIC_CONSUME_BY_WHO: { code: RequestCode.QUERY_TOPIC_CONSUME_BY_WHO, fields: { topic } },
    QUERY_CONSUME_TIME_SPAN: { code: RequestCode.QUERY_CONSUME_TIME_SPAN, fields: { topic, group } },
    CLONE_GROUP_OFFSET: {
      code: RequestCode.CLONE_GROUP_OFFSET,
      fields: { srcGroup: group, destGroup: `${group}-copy`, topic, offline: 'true' },
    },
    GET_BROKER_CONSUME_STATS: { code: RequestCode.GET_BROKER_CONSUME_STATS, fields: { isOrder: 'true' } },
    QUERY_CONSUME_QUEUE: {
      code: RequestCode.QUERY_CONSUME_QUEUE,
      fields: { ...queue, 'index#': '0', 'count#': '10', consumerGroup: group },
    },
    QUERY_TOPICS_BY_CONSUMER: { code: RequestCode.QUERY_TOPICS_BY_CONSUMER, fields: { group } },
    QUERY_SUBSCRIPTION_BY_CONSUMER: {
      code: RequestCode.QUERY_SUBSCRIPTION_BY_CONSUMER,
      fields: { group, topic },
    },
    GET_TOPIC_CONFIG: { code: RequestCode.GET_TOPIC_CONFIG, fields: { topic, lo: 'true' } },
    GET_SUBSCRIPTIONGROUP_CONFIG: { code: RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG, fields: { group } },
    GET_TIMER_CHECK_POINT: { code: RequestCode.GET_TIMER_CHECK_POINT, fields: {} },
    GET_TIMER_METRICS: { code: RequestCode.GET_TIMER_METRICS, fields: {} },
    VIEW_BROKER_STATS_DATA: {
      code: RequestCode.VIEW_BROKER_STATS_DATA,
      fields: { statsName: 'TOPIC_PUT_NUMS', statsKey: topic },
    },
    RESUME_CHECK_HALF_MESSAGE: {
      code: RequestCode.RESUME_CHECK_HALF_MESSAGE,
      fields: { topic, msgId: '7F00000100002A9F000000FFFFFFFFFF' },
    },
    PULL_MESSAGE: { code: RequestCode.PULL_MESSAGE, fields: pull },
    LITE_PULL_MESSAGE: { code: RequestCode.LITE_PULL_MESSAGE, fields: pull },
    SEND_MESSAGE: {
      code: RequestCode.SEND_MESSAGE,
      fields: {
        ...{ producerGroup: 'PG', topic, defaultTopic: 'TBW102', 'defaultTopicQueueNums#': '4' },
        ...{ 'queueId#': '0', 'sysFlag#': '0', 'bornTimestamp#': '1700000000000', 'flag#': '0' },
        ...{ properties: '', 'reconsumeTimes#': '0', unitMode: 'false', 'maxReconsumeTimes#': '16' },
        batch: 'false',
      },
      body: 'x',
    },
    SEND_BATCH_MESSAGE: {
      code: RequestCode.SEND_BATCH_MESSAGE,
      fields: {
        ...{ a: 'PG', b: topic, c: 'TBW102', 'd#': '4', 'e#': '0', 'f#': '0', 'g#': '1700000000000' },
        ...{ 'h#': '0', i: '', 'j#': '0', k: 'false', 'l#': '16', m: 'true', n: 'broker-a' },
      },
      body: protocol
        .encodeBatchBody([{ flag: 0, body: Buffer.from('x'), properties: {} }])
        .toString('latin1'),
    },
    SEND_REPLY_MESSAGE_V2: {
      code: RequestCode.SEND_REPLY_MESSAGE_V2,
      fields: {
        ...{ a: 'PG', b: topic, c: 'TBW102', 'd#': '4', 'e#': '0', 'f#': '0', 'g#': '1700000000000' },
        ...{ 'h#': '0', i: '', 'j#': '0', k: 'false', 'l#': '16' },
      },
      body: 'x',
    },
    END_TRANSACTION: {
      code: RequestCode.END_TRANSACTION,
      fields: {
        ...{ topic, producerGroup: 'PG', 'tranStateTableOffset#': '0', 'commitLogOffset#': '1099511627776' },
        ...{ 'commitOrRollback#': '8', fromTransactionCheck: 'false', msgId: 'x', transactionId: 'x' },
      },
    },
    CHECK_CLIENT_CONFIG: { code: RequestCode.CHECK_CLIENT_CONFIG, fields: {} },
    INVOKE_BROKER_TO_RESET_OFFSET: {
      code: RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
      fields: { ...queue, group: 'nobody', 'offset#': '0', 'timestamp#': '0', isForce: 'true' },
    },
    INVOKE_BROKER_TO_GET_CONSUMER_STATUS: {
      code: RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
      fields: { topic, group, clientAddr: 'c' },
    },
    GET_CONSUMER_RUNNING_INFO: {
      code: RequestCode.GET_CONSUMER_RUNNING_INFO,
      fields: { consumerGroup: group, clientId: 'c', jstackEnable: 'false' },
    },
    CONSUME_MESSAGE_DIRECTLY: {
      code: RequestCode.CONSUME_MESSAGE_DIRECTLY,
      fields: {
        ...{ consumerGroup: group, clientId: 'c', msgId: 'x', brokerName: 'broker-a', topic },
        ...{ 'topicSysFlag#': '0', 'groupSysFlag#': '0' },
      },
    },
    QUERY_ASSIGNMENT: { code: RequestCode.QUERY_ASSIGNMENT, fields: {} },
    SET_MESSAGE_REQUEST_MODE: { code: RequestCode.SET_MESSAGE_REQUEST_MODE, fields: {} },
    POP_MESSAGE: {
      code: RequestCode.POP_MESSAGE,
      fields: {
        ...{
          consumerGroup: group,
          ...queue,
          'maxMsgNums#': '1',
          'invisibleTime#': '60000',
          'pollTime#': '0',
        },
        ...{ 'bornTime#': String(Date.now() + 600_000), 'initMode#': '0', expType: 'TAG', exp: '*' },
        ...{ order: 'false', attemptId: 'x' },
      },
    },
    ACK_MESSAGE: { code: RequestCode.ACK_MESSAGE, fields: { ...receipt } },
    CHANGE_MESSAGE_INVISIBLETIME: {
      code: RequestCode.CHANGE_MESSAGE_INVISIBLETIME,
      fields: { ...receipt, 'invisibleTime#': '60000' },
    },
    BATCH_ACK_MESSAGE: { code: RequestCode.BATCH_ACK_MESSAGE, fields: {} },
    PEEK_MESSAGE: {
      code: RequestCode.PEEK_MESSAGE,
      fields: { ...queue, 'maxMsgNums#': '1', consumerGroup: group },
    },
    NOTIFICATION: {
      code: RequestCode.NOTIFICATION,
      fields: {
        ...{ consumerGroup: group, ...queue, 'pollTime#': '0', 'bornTime#': String(Date.now() + 600_000) },
        ...{ order: 'false', attemptId: 'x' },
      },
    },
    POLLING_INFO: { code: RequestCode.POLLING_INFO, fields: { consumerGroup: group, ...queue } },
    'a code nobody knows': { code: 31_999, fields: {} },
  };
}

const nameServerRequests: Record<string, Request> = {
  REGISTER_BROKER: {
    code: RequestCode.REGISTER_BROKER,
    fields: {
      ...{ brokerName: 'nobody', brokerAddr: '127.0.0.1:1', clusterName: 'nowhere', haServerAddr: '' },
      ...{ 'brokerId#': '0', 'heartbeatTimeoutMillis#': '1000', enableActingMaster: 'false' },
      ...{ compressed: 'false', 'bodyCrc32#': '0' },
    },
  },
  UNREGISTER_BROKER: {
    code: RequestCode.UNREGISTER_BROKER,
    fields: {
      ...{ brokerName: 'nobody', brokerAddr: '127.0.0.1:1', clusterName: 'nowhere', 'brokerId#': '0' },
    },
  },
  BROKER_HEARTBEAT: {
    code: RequestCode.BROKER_HEARTBEAT,
    fields: { clusterName: 'nowhere', brokerAddr: '127.0.0.1:1', brokerName: 'nobody', 'brokerId#': '0' },
  },
  QUERY_DATA_VERSION: {
    code: RequestCode.QUERY_DATA_VERSION,
    fields: {
      ...{ brokerName: 'nobody', brokerAddr: '127.0.0.1:1', clusterName: 'nowhere', 'brokerId#': '0' },
    },
    body: '{"counter":1,"stateVersion":0,"timestamp":1}',
  },
  REGISTER_TOPIC_IN_NAMESRV: {
    code: RequestCode.REGISTER_TOPIC_IN_NAMESRV,
    fields: { topic: 'nothing' },
    body: '{"brokerDatas":[],"queueDatas":[],"filterServerTable":{}}',
  },
  PUT_KV_CONFIG: { code: RequestCode.PUT_KV_CONFIG, fields: { namespace: 'bad', key: 'k', value: 'v' } },
  GET_KV_CONFIG: { code: RequestCode.GET_KV_CONFIG, fields: { namespace: 'bad', key: 'nothing' } },
  DELETE_KV_CONFIG: { code: RequestCode.DELETE_KV_CONFIG, fields: { namespace: 'bad', key: 'k' } },
  GET_ROUTEINFO_BY_TOPIC: {
    code: RequestCode.GET_ROUTEINFO_BY_TOPIC,
    fields: { topic: 'TBW102', acceptStandardJsonOnly: 'true' },
  },
  WIPE_WRITE_PERM_OF_BROKER: {
    code: RequestCode.WIPE_WRITE_PERM_OF_BROKER,
    fields: { brokerName: 'nobody' },
  },
  ADD_WRITE_PERM_OF_BROKER: { code: RequestCode.ADD_WRITE_PERM_OF_BROKER, fields: { brokerName: 'nobody' } },
  DELETE_TOPIC_IN_NAMESRV: {
    code: RequestCode.DELETE_TOPIC_IN_NAMESRV,
    fields: { topic: 'nothing', clusterName: 'nowhere' },
  },
  GET_KVLIST_BY_NAMESPACE: { code: RequestCode.GET_KVLIST_BY_NAMESPACE, fields: { namespace: 'nothing' } },
  GET_TOPICS_BY_CLUSTER: { code: RequestCode.GET_TOPICS_BY_CLUSTER, fields: { cluster: 'nowhere' } },
  GET_BROKER_MEMBER_GROUP: {
    code: RequestCode.GET_BROKER_MEMBER_GROUP,
    fields: { clusterName: 'nowhere', brokerName: 'nobody' },
  },
  'a code nobody knows': { code: 31_999, fields: {} },
};

/** The request with one field missing, of the wrong type, or out of range; without fields, with bodies that are none. */
function variants(request: Request): [string, { extFields: Record<string, string>; body: Buffer }][] {
  const body = Buffer.from(request.body ?? '', 'latin1');
  const named = Object.entries(request.fields).map(
    ([name, value]) => [name.replace('#', ''), value, name.endsWith('#')] as const,
  );
  const good = Object.fromEntries(named.map(([name, value]) => [name, value]));
  const result: [string, { extFields: Record<string, string>; body: Buffer }][] = [
    ['as it should be', { extFields: good, body }],
  ];
  for (const [name, , isNumber] of named) {
    const without = Object.fromEntries(Object.entries(good).filter(([other]) => other !== name));
    result.push([`without ${name}`, { extFields: without, body }]);
    for (const value of isNumber ? ['', 'x', '1.5', '-7', '99999999999999999999'] : [''])
      result.push([`${name} = ${JSON.stringify(value)}`, { extFields: { ...good, [name]: value }, body }]);
  }
  if (named.length > 0) return result;
  return ['', '{', '[]', 'null', '{}', '"x"'].map((text) => [
    `body ${JSON.stringify(text)}`,
    { extFields: {}, body: Buffer.from(text) },
  ]);
}

/** In place of a code. */
const NO_ANSWER = -1;

/** The code of each answer, by variant. */
async function answers(connection: RawConnection, request: Request): Promise<Record<string, number>> {
  const codes: Record<string, number> = {};
  for (const [what, payload] of variants(request)) {
    codes[what] = await eventually(
      async () => {
        const answer = await connection
          .request(request.code, payload, { timeoutMs: 4000 })
          .catch((error: unknown) => ({
            code: String(error).includes('no answer') ? NO_ANSWER : Number.NaN,
          }));
        // A machine with other work: asked again.
        return answer.code !== ResponseCode.SYSTEM_BUSY && answer.code;
      },
      { intervalMs: 100 },
    );
  }
  return codes;
}

/** What a real one answers. */
const known = expectations as Record<'broker' | 'NameServer', Record<string, Record<string, number>>>;

/** Where the embedded broker is stricter on purpose: its code, and why. */
const NO_GROUP: [number, string] = [26, 'a group without a name is not made'];
const stricter: Record<string, Record<string, [code: number, reason: string]>> = {
  UPDATE_AND_CREATE_TOPIC: {
    'readQueueNums = "-7"': [1, 'a topic nobody could read'],
    'writeQueueNums = "-7"': [1, 'a topic nobody could write to'],
  },
  HEART_BEAT: { 'body "{}"': [1, 'a client without a name'] },
  LOCK_BATCH_MQ: { 'body "{}"': [1, "a lock that is nobody's"] },
  CONSUMER_SEND_MSG_BACK: { 'group = ""': NO_GROUP },
  PULL_MESSAGE: { 'consumerGroup = ""': NO_GROUP },
  LITE_PULL_MESSAGE: { 'consumerGroup = ""': NO_GROUP },
  POP_MESSAGE: { 'consumerGroup = ""': NO_GROUP },
  PEEK_MESSAGE: { 'consumerGroup = ""': NO_GROUP },
  NOTIFICATION: { 'consumerGroup = ""': NO_GROUP },
  POLLING_INFO: { 'consumerGroup = ""': NO_GROUP },
  REGISTER_BROKER: {
    'without brokerName': [1, 'a broker nobody could name'],
    'without brokerAddr': [1, 'a broker nobody could reach'],
    'without clusterName': [1, 'a broker of no cluster'],
  },
};

function expectedOf(side: 'broker' | 'NameServer'): Record<string, Record<string, number>> {
  if (rocketmq.target === 'real') return known[side];
  const expected = structuredClone(known[side]);
  for (const [name, codes] of Object.entries(stricter)) {
    if (!(name in expected)) continue;
    for (const [what, [code]] of Object.entries(codes)) expected[name] = { ...expected[name], [what]: code };
  }
  return expected;
}

describe('a request with a field that is missing, of the wrong type or out of range', () => {
  test('is answered by the broker with the code of a real one, and harms nobody', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const group = uniqueName('group');
    await done(broker, commands.updateAndCreateSubscriptionGroup, protocol.subscriptionGroupConfigOf(group));
    await done(broker, commands.sendMessageV2, sendRequest(topic, 'first'));
    await awaitStored(broker, topic, 0, 1);
    const found: Record<string, Record<string, number>> = {};
    for (const [name, request] of Object.entries(brokerRequests(topic, group)))
      found[name] = await answers(broker, request);
    expect(found).toEqual(expectedOf('broker'));
    expect(broker.isClosed).toBe(false);
    expect((await done(broker, commands.getMinOffset, { topic, queueId: 0 })).offset).toBe(0);
  });

  // A NameServer of its own: brokers register with it here that no other test should find in its cluster.
  test.skipIf(rocketmq.external)('is answered by the NameServer with the code of a real one', async () => {
    const own = await startBroker(rocketmq.target);
    onTestFinished(() => own.close());
    await using nameServer = await RawConnection.open(own.nameServer);
    const found: Record<string, Record<string, number>> = {};
    for (const [name, request] of Object.entries(nameServerRequests))
      found[name] = await answers(nameServer, request);
    expect(found).toEqual(expectedOf('NameServer'));
    expect(nameServer.isClosed).toBe(false);
  });
});
