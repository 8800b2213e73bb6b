import { deflateSync, inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  commands,
  EMPTY_BODY,
  RequestCode,
  sqlSubscriptionOf,
  subscriptionGroupConfigOf,
  subscriptionOf,
  topicConfigOf,
  type CommandPayload,
} from '@dt/rocketmq-protocol';

const queue = { topic: 'T', brokerName: 'broker-a', queueId: 1 };
const send = {
  producerGroup: 'PG',
  topic: 'T',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 2,
  sysFlag: 0,
  bornTimestamp: 1700000000000,
  flag: 0,
  properties: 'TAGS\u0001a\u0002',
  reconsumeTimes: 0,
  unitMode: false,
  maxReconsumeTimes: 3,
  batch: false,
  brokerName: 'broker-a',
  body: Buffer.from('hello'),
};
const sent = { msgId: 'C0A8010200002A9F00000000000003E8', queueId: 2, queueOffset: 7, transactionId: 'X' };
const broker = {
  cluster: 'C',
  brokerName: 'broker-a',
  brokerAddrs: { '0': '127.0.0.1:10911' },
  enableActingMaster: false,
};
const route = {
  brokerDatas: [broker],
  queueDatas: [{ brokerName: 'broker-a', readQueueNums: 4, writeQueueNums: 4, perm: 6, topicSysFlag: 0 }],
};
const heartbeat = {
  clientId: 'c',
  producerGroups: ['PG'],
  consumers: [
    {
      groupName: 'G',
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      unitMode: false,
      subscriptions: [subscriptionOf('T', '*', 1)],
    },
  ],
};
const dataVersion = { counter: 2, stateVersion: 1, timestamp: 1700000000000 };
const lock = { consumerGroup: 'G', clientId: 'c', queues: [queue] };
const receipt = '10 1700000000000 60000 2 0 broker-a 1 12';
const batchAck = {
  brokerName: 'broker-a',
  acks: [
    {
      ...{ consumerGroup: 'G', topic: 'T', retry: 'normal' as const, startOffset: 10, queueId: 1 },
      ...{ reviveQueueId: 2, popTime: 1700000000000, invisibleTimeMs: 60000, offsets: [0, 2, 9] },
    },
  ],
};

interface Case {
  codec: {
    code: number;
    encodeRequest: (value: never) => CommandPayload;
    decodeRequest: (payload: CommandPayload) => unknown;
    encodeResponse: (value: never) => CommandPayload;
    decodeResponse: (payload: CommandPayload) => unknown;
  };
  code: number;
  request: object;
  response: object;
}

const resetRequest = { topic: 'T', group: 'G', queueId: 1, offset: 7, timestamp: 0, isForce: true };
const offsets = [{ queue, offset: 7 }];

const cases: Record<string, Case> = {
  invokeBrokerToResetOffset: {
    codec: commands.invokeBrokerToResetOffset,
    code: 222,
    request: resetRequest,
    response: { offsets },
  },
  resetConsumerClientOffset: {
    codec: commands.resetConsumerClientOffset,
    code: 220,
    request: { ...resetRequest, offsets },
    response: {},
  },
  getConsumerStatusFromClient: {
    codec: commands.getConsumerStatusFromClient,
    code: 221,
    request: { topic: 'T', group: 'G', clientAddr: 'c' },
    response: { offsets },
  },
  invokeBrokerToGetConsumerStatus: {
    codec: commands.invokeBrokerToGetConsumerStatus,
    code: 223,
    request: { topic: 'T', group: 'G', clientAddr: 'c' },
    response: { clients: [{ clientId: 'c', offsets }] },
  },
  getConsumerRunningInfo: {
    codec: commands.getConsumerRunningInfo,
    code: 307,
    request: { consumerGroup: 'G', clientId: 'c', jstackEnable: true },
    response: {
      properties: { PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY' },
      subscriptions: [subscriptionOf('T', 'a || b', 1)],
      queues: [
        {
          ...{ queue, commitOffset: 5, cachedMessages: 2, cachedMinOffset: 5, cachedMaxOffset: 6 },
          ...{ cachedMebibytes: 0, locked: true, dropped: false },
          ...{ lastLockTimestamp: 1, lastPullTimestamp: 2, lastConsumeTimestamp: 3 },
        },
      ],
      topics: [
        {
          ...{ topic: 'T', pullRtMs: 1.5, pullTps: 2.5, consumeRtMs: 3.5, consumeOkTps: 4.5 },
          ...{ consumeFailedTps: 0.5, consumeFailedMessages: 6 },
        },
      ],
      stack: 'text',
    },
  },
  consumeMessageDirectly: {
    codec: commands.consumeMessageDirectly,
    code: 309,
    request: {
      ...{ consumerGroup: 'G', clientId: 'c', msgId: 'm', brokerName: 'broker-a', topic: 'T' },
      ...{ topicSysFlag: 0, groupSysFlag: 0, body: Buffer.from('stored') },
    },
    response: {
      ...{ order: false, autoCommit: true, consumeResult: 'CR_THROW_EXCEPTION' },
      ...{ remark: 'why', spentTimeMs: 3 },
    },
  },
  sendMessage: { codec: commands.sendMessage, code: 10, request: send, response: sent },
  pullMessage: {
    codec: commands.pullMessage,
    code: 11,
    request: {
      consumerGroup: 'G',
      topic: 'T',
      queueId: 0,
      queueOffset: 5,
      maxMsgNums: 32,
      sysFlag: 3,
      commitOffset: 4,
      suspendTimeoutMillis: 15000,
      subVersion: 1700000000000,
      subscription: '*',
      expressionType: 'TAG',
      maxMsgBytes: 262144,
    },
    response: {
      suggestWhichBrokerId: 0,
      nextBeginOffset: 6,
      minOffset: 0,
      maxOffset: 9,
      body: Buffer.from('x'),
    },
  },
  queryMessage: {
    codec: commands.queryMessage,
    code: 12,
    request: {
      topic: 'T',
      key: 'k',
      maxNum: 64,
      beginTimestamp: 0,
      endTimestamp: 1700000000000,
      uniqueKeyQuery: true,
    },
    response: {
      indexLastUpdateTimestamp: 1700000000000,
      indexLastUpdatePhyoffset: 1000,
      body: Buffer.from('x'),
    },
  },
  getAllTopicConfig: {
    codec: commands.getAllTopicConfig,
    code: 21,
    request: {},
    response: { dataVersion, topics: [topicConfigOf('T', { order: true })] },
  },
  getEarliestMessageStoreTime: {
    codec: commands.getEarliestMessageStoreTime,
    code: 32,
    request: { topic: 'T', queueId: 3 },
    response: { timestamp: -1 },
  },
  viewMessageById: {
    codec: commands.viewMessageById,
    code: 33,
    request: { topic: 'T', offset: 1000 },
    response: { body: Buffer.from('x') },
  },
  getAllSubscriptionGroupConfig: {
    codec: commands.getAllSubscriptionGroupConfig,
    code: 201,
    request: {},
    response: { dataVersion, groups: [subscriptionGroupConfigOf('G', { retryMaxTimes: 3 })] },
  },
  getProducerConnectionList: {
    codec: commands.getProducerConnectionList,
    code: 204,
    request: { producerGroup: 'PG' },
    response: {
      connections: [{ clientId: 'c', clientAddr: '127.0.0.1:1', language: 'JAVA', version: 473 }],
    },
  },
  deleteSubscriptionGroup: {
    codec: commands.deleteSubscriptionGroup,
    code: 207,
    request: { groupName: 'G', cleanOffset: true },
    response: {},
  },
  getTopicsByCluster: {
    codec: commands.getTopicsByCluster,
    code: 224,
    request: { cluster: 'C' },
    response: { topics: ['T', 'U'] },
  },
  queryTopicConsumeByWho: {
    codec: commands.queryTopicConsumeByWho,
    code: 300,
    request: { topic: 'T' },
    response: { groups: ['G', 'H'] },
  },
  getSystemTopicListFromNameServer: {
    codec: commands.getSystemTopicListFromNameServer,
    code: 304,
    request: {},
    response: { topics: ['C', 'broker-a'], brokerAddr: '127.0.0.1:10911' },
  },
  getSystemTopicListFromBroker: {
    codec: commands.getSystemTopicListFromBroker,
    code: 305,
    request: {},
    response: { topics: ['TBW102'] },
  },
  queryTopicsByConsumer: {
    codec: commands.queryTopicsByConsumer,
    code: 343,
    request: { group: 'G' },
    response: { topics: ['T'], brokerAddr: '127.0.0.1:10911' },
  },
  getSubscriptionGroupConfig: {
    codec: commands.getSubscriptionGroupConfig,
    code: 352,
    request: { group: 'G' },
    response: subscriptionGroupConfigOf('G'),
  },
  updateAndCreateTopicList: {
    codec: commands.updateAndCreateTopicList,
    code: 18,
    request: { topics: [topicConfigOf('T', { attributes: { '+message.type': 'FIFO' } })] },
    response: {},
  },
  updateBrokerConfig: {
    codec: commands.updateBrokerConfig,
    code: 25,
    request: { a: '1', path: 'C:\\x', text: ' ü\n' },
    response: {},
  },
  getBrokerConfig: {
    codec: commands.getBrokerConfig,
    code: 26,
    request: {},
    response: { version: '{}', configuration: { a: '1', b: 'x=y', c: '' } },
  },
  getAllConsumerOffset: {
    codec: commands.getAllConsumerOffset,
    code: 43,
    request: {},
    response: { entries: [{ topic: 'T', group: 'G', offsets: { 0: 5, 3: 7 } }] },
  },
  getAllDelayOffset: {
    codec: commands.getAllDelayOffset,
    code: 45,
    request: {},
    response: { delivered: { 1: 5, 18: 7 } },
  },
  putKvConfig: {
    codec: commands.putKvConfig,
    code: 100,
    request: { namespace: 'N', key: 'k', value: 'v' },
    response: {},
  },
  getKvConfig: {
    codec: commands.getKvConfig,
    code: 101,
    request: { namespace: 'N', key: 'k' },
    response: { value: 'v' },
  },
  deleteKvConfig: {
    codec: commands.deleteKvConfig,
    code: 102,
    request: { namespace: 'N', key: 'k' },
    response: {},
  },
  wipeWritePermOfBroker: {
    codec: commands.wipeWritePermOfBroker,
    code: 205,
    request: { brokerName: 'b' },
    response: { wipeTopicCount: 3 },
  },
  getKvListByNamespace: {
    codec: commands.getKvListByNamespace,
    code: 219,
    request: { namespace: 'N' },
    response: { table: { k: 'v', __proto: 'x' } },
  },
  queryConsumeTimeSpan: {
    codec: commands.queryConsumeTimeSpan,
    code: 303,
    request: { topic: 'T', group: 'G' },
    response: { queues: [{ queue, minTimestamp: 1, maxTimestamp: 9, consumeTimestamp: 5, delayMs: 4 }] },
  },
  cleanExpiredConsumeQueue: {
    codec: commands.cleanExpiredConsumeQueue,
    code: 306,
    request: {},
    response: {},
  },
  cloneGroupOffset: {
    codec: commands.cloneGroupOffset,
    code: 314,
    request: { srcGroup: 'G', destGroup: 'H', topic: 'T', offline: true },
    response: {},
  },
  cleanUnusedTopic: { codec: commands.cleanUnusedTopic, code: 316, request: {}, response: {} },
  getBrokerConsumeStats: {
    codec: commands.getBrokerConsumeStats,
    code: 317,
    request: { isOrder: false },
    response: {
      brokerAddr: '127.0.0.1:10911',
      groups: [
        {
          group: 'G',
          topics: [
            {
              consumeTps: 0.5,
              queues: [{ queue, brokerOffset: 9, consumerOffset: 5, pullOffset: 6, lastTimestamp: 3 }],
            },
          ],
        },
        { group: 'H', topics: [] },
      ],
      totalDiff: 4,
      totalInflightDiff: 1,
    },
  },
  updateNameServerConfig: {
    codec: commands.updateNameServerConfig,
    code: 318,
    request: { a: '1' },
    response: {},
  },
  getNameServerConfig: { codec: commands.getNameServerConfig, code: 319, request: {}, response: { a: '1' } },
  queryConsumeQueue: {
    codec: commands.queryConsumeQueue,
    code: 321,
    request: { topic: 'T', queueId: 0, index: 5, count: 10, consumerGroup: 'G' },
    response: {
      subscription: subscriptionOf('T', 'a', 1),
      filterData: 'null',
      entries: [{ physicalOffset: 1000, sizeBytes: 200, tagHash: -7 }],
      minOffset: 0,
      maxOffset: 9,
    },
  },
  addWritePermOfBroker: {
    codec: commands.addWritePermOfBroker,
    code: 327,
    request: { brokerName: 'b' },
    response: { addTopicCount: 3 },
  },
  deleteExpiredCommitLog: { codec: commands.deleteExpiredCommitLog, code: 329, request: {}, response: {} },
  getBrokerMemberGroup: {
    codec: commands.getBrokerMemberGroup,
    code: 901,
    request: { clusterName: 'C', brokerName: 'b' },
    response: { cluster: 'C', brokerName: 'b', brokerAddrs: { 0: '127.0.0.1:10911' } },
  },
  getTimerCheckPoint: {
    codec: commands.getTimerCheckPoint,
    code: 60,
    request: {},
    response: {
      ...{ lastReadTimeMs: 1700000000000, lastTimerLogFlushPosition: 52, lastTimerQueueOffset: 1 },
      ...{ masterTimerQueueOffset: 1, dataVersion },
    },
  },
  getTimerMetrics: {
    codec: commands.getTimerMetrics,
    code: 61,
    request: {},
    response: { dataVersion, topics: [{ topic: 'T', count: 2, changedAt: 1700000000000 }] },
  },
  viewBrokerStatsData: {
    codec: commands.viewBrokerStatsData,
    code: 315,
    request: { statsName: 'TOPIC_PUT_NUMS', statsKey: 'T' },
    response: {
      minute: { sum: 60, tps: 1, averagePerTime: 1 },
      hour: { sum: 70, tps: 0.25, averagePerTime: 1 },
      day: { sum: 70, tps: 0.125, averagePerTime: 1 },
    },
  },
  resumeCheckHalfMessage: {
    codec: commands.resumeCheckHalfMessage,
    code: 323,
    request: { topic: 'T', msgId: '7F00000100002A9F0000000000000000' },
    response: {},
  },
  registerBroker: {
    codec: commands.registerBroker,
    code: 103,
    request: {
      brokerName: 'b',
      brokerAddr: '127.0.0.1:10911',
      clusterName: 'C',
      haServerAddr: '127.0.0.1:10912',
      brokerId: 0,
      heartbeatTimeoutMillis: 60000,
      enableActingMaster: false,
      zoneName: 'z',
      dataVersion,
      topics: [topicConfigOf('T')],
    },
    response: { haServerAddr: 'a:1', masterAddr: 'a:2', orderTopics: { T: 'b:4' } },
  },
  unregisterBroker: {
    codec: commands.unregisterBroker,
    code: 104,
    request: { brokerName: 'b', brokerAddr: '127.0.0.1:10911', clusterName: 'C', brokerId: 0 },
    response: {},
  },
  registerTopicInNameServer: {
    codec: commands.registerTopicInNameServer,
    code: 217,
    request: { topic: 'T', route },
    response: {},
  },
  queryDataVersion: {
    codec: commands.queryDataVersion,
    code: 322,
    request: { brokerName: 'b', brokerAddr: '127.0.0.1:10911', clusterName: 'C', brokerId: 1, dataVersion },
    response: { changed: true, dataVersion },
  },
  brokerHeartbeat: {
    codec: commands.brokerHeartbeat,
    code: 904,
    request: { brokerName: 'b', brokerAddr: '127.0.0.1:10911', clusterName: 'C' },
    response: {},
  },
  queryConsumerOffset: {
    codec: commands.queryConsumerOffset,
    code: 14,
    request: { consumerGroup: 'G', topic: 'T', queueId: 0, setZeroIfNotFound: false },
    response: { offset: 5 },
  },
  updateConsumerOffset: {
    codec: commands.updateConsumerOffset,
    code: 15,
    request: { consumerGroup: 'G', topic: 'T', queueId: 0, commitOffset: 5 },
    response: {},
  },
  updateAndCreateTopic: {
    codec: commands.updateAndCreateTopic,
    code: 17,
    request: {
      topic: 'T',
      defaultTopic: 'TBW102',
      readQueueNums: 8,
      writeQueueNums: 8,
      perm: 6,
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
    },
    response: {},
  },
  getBrokerRuntimeInfo: {
    codec: commands.getBrokerRuntimeInfo,
    code: 28,
    request: {},
    response: { table: { brokerVersion: '473', runtime: '[ 0 days ]' } },
  },
  searchOffsetByTimestamp: {
    codec: commands.searchOffsetByTimestamp,
    code: 29,
    request: { topic: 'T', queueId: 0, timestamp: 1700000000000, boundaryType: 'UPPER' },
    response: { offset: 5 },
  },
  getMaxOffset: {
    codec: commands.getMaxOffset,
    code: 30,
    request: { topic: 'T', queueId: 0, committed: true },
    response: { offset: 5 },
  },
  getMinOffset: {
    codec: commands.getMinOffset,
    code: 31,
    request: { topic: 'T', queueId: 0 },
    response: { offset: 0 },
  },
  heartBeat: { codec: commands.heartBeat, code: 34, request: heartbeat, response: {} },
  unregisterClient: {
    codec: commands.unregisterClient,
    code: 35,
    request: { clientID: 'c', consumerGroup: 'G' },
    response: {},
  },
  consumerSendMessageBack: {
    codec: commands.consumerSendMessageBack,
    code: 36,
    request: {
      offset: 1000,
      group: 'G',
      delayLevel: 0,
      originMsgId: 'I',
      originTopic: 'T',
      maxReconsumeTimes: 16,
    },
    response: {},
  },
  endTransaction: {
    codec: commands.endTransaction,
    code: 37,
    request: {
      topic: 'T',
      producerGroup: 'PG',
      tranStateTableOffset: 3,
      commitLogOffset: 1000,
      commitOrRollback: 8,
      fromTransactionCheck: true,
      msgId: 'X',
      transactionId: 'X',
      brokerName: 'broker-a',
    },
    response: {},
  },
  checkTransactionState: {
    codec: commands.checkTransactionState,
    code: 39,
    request: {
      topic: 'RMQ_SYS_TRANS_HALF_TOPIC',
      tranStateTableOffset: 3,
      commitLogOffset: 1000,
      msgId: 'X',
      transactionId: 'X',
      offsetMsgId: 'I',
      brokerName: 'broker-a',
      body: Buffer.from('stored'),
    },
    response: {},
  },
  getConsumerListByGroup: {
    codec: commands.getConsumerListByGroup,
    code: 38,
    request: { consumerGroup: 'G' },
    response: { clientIds: ['a', 'b'] },
  },
  notifyConsumerIdsChanged: {
    codec: commands.notifyConsumerIdsChanged,
    code: 40,
    request: { consumerGroup: 'G' },
    response: {},
  },
  checkClientConfig: {
    codec: commands.checkClientConfig,
    code: 46,
    request: { clientId: 'c', group: 'G', subscription: sqlSubscriptionOf('T', 'a > 1', 1) },
    response: {},
  },
  lockQueues: { codec: commands.lockQueues, code: 41, request: lock, response: { lockedQueues: [queue] } },
  popMessage: {
    codec: commands.popMessage,
    code: 200050,
    request: {
      ...{ consumerGroup: 'G', topic: 'T', queueId: -1, maxMsgNums: 32, invisibleTime: 60000 },
      ...{ pollTime: 15000, bornTime: 1700000000000, initMode: 1, expType: 'TAG', exp: '*' },
      ...{ order: true, attemptId: 'A' },
    },
    response: {
      ...{ popTime: 1700000000000, invisibleTime: 60000, reviveQid: 2, restNum: 7 },
      ...{ startOffsetInfo: '0 1 0', msgOffsetInfo: '0 1 0,1', orderCountInfo: '0 1 0' },
      body: Buffer.from('x'),
    },
  },
  ackMessage: {
    codec: commands.ackMessage,
    code: 200051,
    request: { consumerGroup: 'G', topic: 'T', queueId: 1, extraInfo: receipt, offset: 12 },
    response: {},
  },
  batchAckMessage: { codec: commands.batchAckMessage, code: 200151, request: batchAck, response: {} },
  changeMessageInvisibleTime: {
    codec: commands.changeMessageInvisibleTime,
    code: 200053,
    request: {
      ...{ consumerGroup: 'G', topic: 'T', queueId: 1, extraInfo: receipt, offset: 12 },
      invisibleTime: 3000,
    },
    response: { popTime: 1700000000000, invisibleTime: 3000, reviveQid: 2 },
  },
  peekMessage: {
    codec: commands.peekMessage,
    code: 200052,
    request: { consumerGroup: 'G', topic: 'T', queueId: 0, maxMsgNums: 8 },
    response: { restNum: 3, body: Buffer.from('x') },
  },
  notification: {
    codec: commands.notification,
    code: 200054,
    request: { consumerGroup: 'G', topic: 'T', queueId: -1, pollTime: 1000, bornTime: 1700000000000 },
    response: { hasMsg: true },
  },
  pollingInfo: {
    codec: commands.pollingInfo,
    code: 200055,
    request: { consumerGroup: 'G', topic: 'T', queueId: -1 },
    response: { pollingNum: 4 },
  },
  queryAssignment: {
    codec: commands.queryAssignment,
    code: 400,
    request: {
      ...{ topic: 'T', consumerGroup: 'G', clientId: 'c' },
      ...{ messageModel: 'CLUSTERING', strategyName: 'AVG' },
    },
    response: { assignments: [{ queue: { ...queue, queueId: -1 }, mode: 'POP' }] },
  },
  setMessageRequestMode: {
    codec: commands.setMessageRequestMode,
    code: 401,
    request: { topic: 'T', consumerGroup: 'G', mode: 'POP', popShareQueueNum: -1 },
    response: {},
  },
  unlockQueues: { codec: commands.unlockQueues, code: 42, request: lock, response: {} },
  getRouteInfoByTopic: {
    codec: commands.getRouteInfoByTopic,
    code: 105,
    request: { topic: 'T' },
    response: route,
  },
  getBrokerClusterInfo: {
    codec: commands.getBrokerClusterInfo,
    code: 106,
    request: {},
    response: { brokers: { 'broker-a': broker }, clusters: { C: ['broker-a'] } },
  },
  updateAndCreateSubscriptionGroup: {
    codec: commands.updateAndCreateSubscriptionGroup,
    code: 200,
    request: subscriptionGroupConfigOf('G', { retryMaxTimes: 3 }),
    response: {},
  },
  getTopicStatsInfo: {
    codec: commands.getTopicStatsInfo,
    code: 202,
    request: { topic: 'T' },
    response: { queues: [{ queue, minOffset: 0, maxOffset: 5, lastUpdateTimestamp: 1700000000000 }] },
  },
  getConsumerConnectionList: {
    codec: commands.getConsumerConnectionList,
    code: 203,
    request: { consumerGroup: 'G' },
    response: {
      connections: [{ clientId: 'c', clientAddr: '127.0.0.1:5000', language: 'OTHER', version: 473 }],
      consumeType: 'CONSUME_PASSIVELY',
      messageModel: 'CLUSTERING',
      consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET',
      subscriptions: [subscriptionOf('T', 'a', 1)],
    },
  },
  getAllTopicList: {
    codec: commands.getAllTopicList,
    code: 206,
    request: {},
    response: { topics: ['T', 'TBW102'] },
  },
  getConsumeStats: {
    codec: commands.getConsumeStats,
    code: 208,
    request: { consumerGroup: 'G', topic: 'T' },
    response: {
      consumeTps: 0.5,
      queues: [{ queue, brokerOffset: 9, consumerOffset: 5, pullOffset: 6, lastTimestamp: 0 }],
    },
  },
  deleteTopicInBroker: {
    codec: commands.deleteTopicInBroker,
    code: 215,
    request: { topic: 'T' },
    response: {},
  },
  deleteTopicInNameServer: {
    codec: commands.deleteTopicInNameServer,
    code: 216,
    request: { topic: 'T', clusterName: 'C' },
    response: {},
  },
  sendReplyMessage: { codec: commands.sendReplyMessage, code: 324, request: send, response: sent },
  sendReplyMessageV2: { codec: commands.sendReplyMessageV2, code: 325, request: send, response: sent },
  pushReplyMessageToClient: {
    codec: commands.pushReplyMessageToClient,
    code: 326,
    request: {
      ...{ producerGroup: 'PG', topic: 'C_REPLY_TOPIC', defaultTopic: 'TBW102', defaultTopicQueueNums: 4 },
      ...{
        queueId: 0,
        sysFlag: 0,
        bornTimestamp: 1700000000000,
        flag: 0,
        properties: 'CORRELATION_ID\u0001c\u0002',
      },
      ...{ reconsumeTimes: 0, unitMode: false, bornHost: '127.0.0.1:1', storeHost: '127.0.0.1:10911' },
      ...{ storeTimestamp: 1700000000001, body: Buffer.from('hello') },
    },
    response: {},
  },
  sendMessageV2: { codec: commands.sendMessageV2, code: 310, request: send, response: sent },
  sendBatchMessage: {
    codec: commands.sendBatchMessage,
    code: 320,
    request: { ...send, batch: true },
    response: sent,
  },
  getTopicConfig: {
    codec: commands.getTopicConfig,
    code: 351,
    request: { topic: 'T', lo: true },
    response: topicConfigOf('T', { readQueueNums: 4, attributes: { '+a': 'b' } }),
  },
};

describe('commands', () => {
  it.each(Object.entries(cases))(
    '%s reads what it writes, both ways',
    (_, { codec, code, request, response }) => {
      expect(codec.code).toBe(code);
      expect(codec.decodeRequest(codec.encodeRequest(request as never))).toEqual(request);
      expect(codec.decodeResponse(codec.encodeResponse(response as never))).toEqual(response);
    },
  );

  it('has a case here for every command there is', () => {
    expect(Object.keys(commands).sort()).toEqual(Object.keys(cases).sort());
  });

  it('reads the bodies of real servers with bare and object keys', () => {
    const cluster = Buffer.from(
      '{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"127.0.0.1:10911"},"brokerName":"broker-a","cluster":"DefaultCluster","enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}}',
    );
    expect(commands.getBrokerClusterInfo.decodeResponse({ extFields: {}, body: cluster })).toEqual({
      brokers: { 'broker-a': { ...broker, cluster: 'DefaultCluster' } },
      clusters: { DefaultCluster: ['broker-a'] },
    });
    const stats = Buffer.from(
      '{"offsetTable":{{"brokerName":"broker-a","queueId":1,"topic":"T"}:{"lastUpdateTimestamp":0,"maxOffset":17,"minOffset":3}}}',
    );
    expect(commands.getTopicStatsInfo.decodeResponse({ extFields: {}, body: stats })).toEqual({
      queues: [{ queue, minOffset: 3, maxOffset: 17, lastUpdateTimestamp: 0 }],
    });
  });

  it('writes queue maps compactly with quoted keys, which every client reads', () => {
    const { body } = commands.getTopicStatsInfo.encodeResponse({
      queues: [{ queue, minOffset: 0, maxOffset: 5, lastUpdateTimestamp: 9 }],
    });
    expect(body.toString()).toBe(
      '{"offsetTable":{"{\\"brokerName\\":\\"broker-a\\",\\"queueId\\":1,\\"topic\\":\\"T\\"}":{"lastUpdateTimestamp":9,"maxOffset":5,"minOffset":0}}}',
    );
  });

  it('uses the one-letter names for the second form of send', () => {
    expect(commands.sendMessageV2.encodeRequest(send).extFields).toEqual({
      ...{ a: 'PG', b: 'T', c: 'TBW102', d: '4', e: '2', f: '0', g: '1700000000000', h: '0' },
      ...{ i: 'TAGS\u0001a\u0002', j: '0', k: 'false', l: '3', m: 'false', n: 'broker-a' },
    });
  });
});

describe('the registration of a broker', () => {
  const registration = {
    ...{ brokerName: 'b', brokerAddr: '127.0.0.1:10911', clusterName: 'C', haServerAddr: '', brokerId: 0 },
    ...{ dataVersion, topics: [topicConfigOf('T')] },
  };

  it('is refused when its body is not the one that was sent', () => {
    const { extFields, body } = commands.registerBroker.encodeRequest(registration);
    const damaged = Buffer.concat([body, Buffer.from(' ')]);
    expect(() => commands.registerBroker.decodeRequest({ extFields, body: damaged })).toThrow(
      'crc32 not match',
    );
  });

  it('names the queues of static topics, here and in a route', () => {
    const mapping = {
      ...{ topic: 'T', scope: '__global__', totalQueues: 4, brokerName: 'b', epoch: 9, dirty: false },
      queues: { '0': 1 },
    };
    const request = { ...registration, queueMappings: [mapping] };
    const { registerBroker, getRouteInfoByTopic } = commands;
    expect(registerBroker.decodeRequest(registerBroker.encodeRequest(request))).toEqual(request);
    const withMapping = { ...route, queueMappings: [mapping] };
    const encoded = getRouteInfoByTopic.encodeResponse(withMapping);
    expect(getRouteInfoByTopic.decodeResponse(encoded)).toEqual(withMapping);
    expect(JSON.parse(encoded.body.toString())).toMatchObject({
      topicQueueMappingByBroker: { b: { bname: 'b', currIdMap: { '0': 1 }, totalQueues: 4 } },
    });
  });

  describe('with a deflated body', () => {
    const { extFields } = commands.registerBroker.encodeRequest(registration);
    const decode = (body: Buffer): commands.RegisterBrokerRequest =>
      commands.registerBroker.decodeRequest({
        extFields: { ...extFields, compressed: 'true', bodyCrc32: '0' },
        body,
      });
    // RegisterBrokerBody.encode(true) of rocketmq-remoting 5.3.0.
    const ofJava = Buffer.from(
      '78da554f4d6bc3300cf5f61f7637bace8ca6745fbe95314aa1edd8167619c338aed6983a71b0154609f9ef5373199378427af09e2421c4c3002e' +
        'f62d61023d5790c9127e60ca3eb6a00b05e41b64b2e978ba9ffdc52884b8643c51ecbc9bcb827321dfd7bbd5e6d994cb951ce09a95d91ef0864e' +
        '1d8286ddcbdb76b90105471e7e3cd5b20ab63dc2d9eaaa64f5adbcfbe730edf8fce27ac1a807a85adb9c9d2a36717d4aebfdd6f261c34c17a382' +
        'bd4f7402fd6d434605d84557837ee49f5c9cf61b7308b1b2c118964f6733594e3dd9f0da638f19f462fc0586994e88',
      'hex',
    );

    it('is read as Java writes it', () => {
      const { dataVersion, topics, queueMappings } = decode(ofJava);
      expect(dataVersion).toEqual({ counter: 2, stateVersion: 1, timestamp: 1700000000000 });
      expect(topics).toEqual([
        topicConfigOf('topic2', {
          ...{ readQueueNums: 1, writeQueueNums: 1, perm: 4 },
          attributes: { '+message.type': 'NORMAL', k: 'with blank' },
        }),
        topicConfigOf('T', { readQueueNums: 4, writeQueueNums: 5 }),
      ]);
      expect(queueMappings).toEqual([
        {
          ...{ topic: 'T', scope: '__global__', totalQueues: 4, brokerName: 'b', epoch: 9, dirty: false },
          queues: { '0': 1 },
        },
      ]);
    });

    it('may end behind the filter servers, as of a broker before 5.0, or be empty', () => {
      const mapping = /\{"bname"/.exec(inflateSync(ofJava).toString('latin1'))?.index ?? 0;
      // Its length, and the count of them, stand in front.
      const { topics, queueMappings } = decode(deflateSync(inflateSync(ofJava).subarray(0, mapping - 8)));
      expect([topics.length, queueMappings]).toEqual([2, undefined]);
      expect(decode(EMPTY_BODY).topics).toEqual([]);
    });

    it('that is cut, garbage, or explodes is refused', () => {
      const plain = inflateSync(ofJava);
      for (let length = 0; length < plain.length; length++) {
        const cut = deflateSync(plain.subarray(0, length));
        try {
          // Only where a broker before 5.0 would have ended.
          expect(decode(cut).queueMappings).toBeUndefined();
        } catch (error) {
          expect(error).toMatchObject({ code: 'body-malformed' });
        }
      }
      for (const body of [
        ofJava.subarray(0, 40),
        Buffer.from('{"topicConfigSerializeWrapper":{}}'),
        deflateSync(Buffer.from('ffffffff', 'hex')),
        deflateSync(Buffer.alloc(17 * 1024 * 1024)),
      ])
        expect(() => decode(body)).toThrow(/REGISTER_BROKER request/);
      // So many topics that nobody could have sent them.
      const many = Buffer.concat([Buffer.from('00000002', 'hex'), Buffer.from('{}'), Buffer.alloc(4, 0x7f)]);
      expect(() => decode(deflateSync(many))).toThrow('the body ends too early');
    });
  });

  it('may have no topics', () => {
    const { extFields } = commands.registerBroker.encodeRequest(registration);
    const unchecked = { ...extFields, bodyCrc32: '0' };
    for (const body of [EMPTY_BODY, Buffer.from('{}'), Buffer.from('{"topicConfigSerializeWrapper":{}}')]) {
      const request = commands.registerBroker.decodeRequest({ extFields: unchecked, body });
      expect(request.topics).toEqual([]);
    }
  });
});

describe('the end of a transaction', () => {
  it('has the names of the wire', () => {
    const request = {
      ...{ topic: 'T', producerGroup: 'PG', tranStateTableOffset: 3, commitLogOffset: 1000 },
      ...{ commitOrRollback: 12, fromTransactionCheck: false, msgId: 'X', brokerName: 'b' },
    };
    expect(commands.endTransaction.encodeRequest(request).extFields).toEqual({
      ...{ topic: 'T', producerGroup: 'PG', tranStateTableOffset: '3', commitLogOffset: '1000' },
      ...{ commitOrRollback: '12', fromTransactionCheck: 'false', msgId: 'X', bname: 'b' },
    });
  });

  it('needs no topic, as some clients name none', () => {
    const extFields = {
      ...{ producerGroup: 'PG', tranStateTableOffset: '3', commitLogOffset: '1000' },
      ...{ commitOrRollback: '8', msgId: 'X' },
    };
    const request = commands.endTransaction.decodeRequest({ extFields, body: EMPTY_BODY });
    expect(request).toMatchObject({ commitOrRollback: 8, commitLogOffset: 1000 });
    expect(request.topic).toBeUndefined();
  });
});

describe('a batch of acknowledgements', () => {
  it('is written as Java writes it', () => {
    expect(commands.batchAckMessage.encodeRequest(batchAck).body.toString()).toBe(
      '{"brokerName":"broker-a","acks":[{"c":"G","t":"T","r":"0","so":10,"q":1,"rq":2,' +
        '"pt":1700000000000,"it":60000,"b":"BQI="}]}',
    );
  });

  it('with a mark or a bit set that is none is refused', () => {
    const body = (ack: object): CommandPayload => {
      const acks = [{ c: 'G', t: 'T', r: '0', so: 1, q: 1, rq: 2, pt: 3, it: 4, b: 'AQ==', ...ack }];
      return { extFields: {}, body: Buffer.from(JSON.stringify({ brokerName: 'b', acks })) };
    };
    expect(commands.batchAckMessage.decodeRequest(body({})).acks[0]?.offsets).toEqual([0]);
    expect(() => commands.batchAckMessage.decodeRequest(body({ r: '3' }))).toThrow(/r is "3"/);
    expect(() => commands.batchAckMessage.decodeRequest(body({ b: '?' }))).toThrow(/no bit set/);
    expect(() => commands.batchAckMessage.decodeRequest(body({ so: 'x' }))).toThrow(/so is not an integer/);
  });
});

describe('an assignment', () => {
  it('that the broker cannot tell is none, not an empty one', () => {
    const { body } = commands.queryAssignment.encodeResponse({});
    expect(commands.queryAssignment.decodeResponse({ extFields: {}, body })).toEqual({});
  });

  it('with a mode or model that does not exist is refused', () => {
    const request = { topic: 'T', consumerGroup: 'G', clientId: 'c', messageModel: 'X', strategyName: 'AVG' };
    const body = Buffer.from(JSON.stringify(request));
    expect(() => commands.queryAssignment.decodeRequest({ extFields: {}, body })).toThrow(/message model/);
    const mode = Buffer.from('{"topic":"T","consumerGroup":"G","mode":"PUSH"}');
    expect(() => commands.setMessageRequestMode.decodeRequest({ extFields: {}, body: mode })).toThrow(
      /"PUSH"/,
    );
  });
});

describe('hostile requests', () => {
  const payload = (extFields: Record<string, string>): CommandPayload => ({ extFields, body: EMPTY_BODY });

  it('are refused with the name of the command and the field', () => {
    expect(() => commands.sendMessageV2.decodeRequest(payload({ a: 'PG' }))).toThrow(
      'SEND_MESSAGE_V2 request: topic (b) is missing',
    );
    expect(() => commands.getMaxOffset.decodeRequest(payload({ topic: 'T', queueId: '1x' }))).toThrow(
      'GET_MAX_OFFSET request: queueId is "1x", expected int32',
    );
  });

  it.each(['', ' 1', '1.5', '1e3', '0x1', '2147483648', '-2147483649', '9'.repeat(30)])(
    '%j is no int32',
    (queueId) => {
      expect(() => commands.getMaxOffset.decodeRequest(payload({ topic: 'T', queueId }))).toThrow(
        /expected int32/,
      );
    },
  );

  it('with an int64 that is not exact are refused', () => {
    const fields = { consumerGroup: 'G', topic: 'T', queueId: '0', commitOffset: '9223372036854775807' };
    expect(() => commands.updateConsumerOffset.decodeRequest(payload(fields))).toThrow(/expected int64/);
  });

  it('cannot make a field of what every object inherits', () => {
    expect(() => commands.getTopicConfig.decodeRequest(payload({}))).toThrow(/topic is missing/);
  });

  it('with unknown fields are read', () => {
    expect(commands.getTopicConfig.decodeRequest(payload({ topic: 'T', ns: 'x', bname: 'y' }))).toEqual({
      topic: 'T',
    });
  });
});

describe('values that do not fit', () => {
  it('are refused on the way out', () => {
    expect(() => commands.getMaxOffset.encodeRequest({ topic: 'T', queueId: 1.5 })).toThrow(
      /queueId: 1.5 is not an int32/,
    );
    expect(() => commands.getMaxOffset.encodeResponse({ offset: 2 ** 53 })).toThrow(/offset/);
  });
});

describe('request codes', () => {
  it('of the commands are those of the table', () => {
    for (const codec of Object.values(commands)) expect(Object.values(RequestCode)).toContain(codec.code);
  });
});
