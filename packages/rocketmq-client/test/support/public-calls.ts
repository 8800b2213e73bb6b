import {
  Admin,
  PopConsumer,
  type PoppedMessage,
  Producer,
  PullConsumer,
  PushConsumer,
  type ReceivedMessage,
  TransactionProducer,
} from '@dt/rocketmq-client';
import { encodeReceiptHandle, topicConfigOf } from '@dt/rocketmq-protocol';

export interface Subject {
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Everything a class has that gives a promise, with arguments that are right. Topic T has the queues 0 and 1 of broker-a. */
export interface PublicClass<S extends Subject = Subject> {
  readonly type: { readonly prototype: S };
  readonly make: (nameServer: string) => S;
  readonly calls: Readonly<Record<string, (subject: S, nameServer: string) => Promise<unknown>>>;
  /** Limit of close(), with some room for a busy machine. */
  readonly closesWithinMs: number;
}

export const TIMEOUT_MS = 300;
const short = { requestTimeoutMs: TIMEOUT_MS, connectTimeoutMs: TIMEOUT_MS };
const limits = { timeoutMs: TIMEOUT_MS };
const subscriptions = [{ topic: 'T', expression: '*' }];
const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
const message = { topic: 'T', body: 'x' };
const ROOM_MS = 4000;

/** As a handler got it. */
const received: ReceivedMessage = {
  ...{ topic: 'T', keys: [], properties: {}, body: Buffer.from('x'), messageId: 'm', offsetMessageId: 'o' },
  ...{ queue, queueOffset: 0, bornTimestamp: 1, storeTimestamp: 2, reconsumeTimes: 0 },
};
const popped = (): PoppedMessage => ({
  ...received,
  receipt: encodeReceiptHandle({
    ...{ startOffset: 0, popTime: Date.now(), invisibleTimeMs: 60_000, reviveQueueId: 0 },
    ...{ retry: 'normal', brokerName: 'broker-a', queueId: 0, queueOffset: 0 },
  }),
  invisibleUntil: Date.now() + 60_000,
});
const toReply = (nameServer: string): ReceivedMessage => ({
  ...received,
  properties: { CLUSTER: 'C', CORRELATION_ID: 'c', REPLY_TO_CLIENT: 'client', TTL: '3000', nameServer },
});

/** What an admin client finds of a message. */
const FOUND = {
  ...{ physicalOffset: 1, bornHost: '127.0.0.1:1', storeHost: '127.0.0.1:10911', sysFlag: 0, bodyCrc: 0 },
  ...{ preparedTransactionOffset: 0, flag: 0, sizeBytes: 100 },
};

const OFFSET_ID = '7F00000100002A9F0000000000000001';

const define = <S extends Subject>(publicClass: PublicClass<S>): PublicClass =>
  publicClass as unknown as PublicClass;

export const PUBLIC_CLASSES: Readonly<Record<string, PublicClass>> = {
  Producer: define({
    type: Producer,
    make: (nameServer) =>
      new Producer({
        ...short,
        ...{ nameServers: [nameServer], group: 'PG', retryPauseMs: 10, sendTimeoutMs: TIMEOUT_MS },
        closeTimeoutMs: 1000,
      }),
    calls: {
      send: (producer) => producer.send(message),
      sendBatch: (producer) => producer.sendBatch([message, message]),
      sendOneWay: (producer) => producer.sendOneWay(message),
      request: (producer) => producer.request(message, limits),
      reply: (producer, nameServer) => producer.reply(toReply(nameServer), 'y', limits),
    },
    closesWithinMs: 1000 + TIMEOUT_MS + ROOM_MS,
  }),
  TransactionProducer: define({
    type: TransactionProducer,
    make: (nameServer) =>
      new TransactionProducer({
        ...short,
        ...{ nameServers: [nameServer], group: 'PG', sendTimeoutMs: TIMEOUT_MS, closeTimeoutMs: 1000 },
        checker: async () => 'unknown',
      }),
    calls: { sendInTransaction: (producer) => producer.sendInTransaction(message, async () => 'commit') },
    closesWithinMs: 1000 + TIMEOUT_MS + ROOM_MS,
  }),
  PushConsumer: define({
    type: PushConsumer,
    make: (nameServer) =>
      new PushConsumer({
        ...short,
        ...{ nameServers: [nameServer], group: 'G', subscriptions, handler: async () => undefined },
        ...{ longPollMs: 100, pullTimeoutMs: TIMEOUT_MS, pullRetryPauseMs: 20, closeTimeoutMs: 1000 },
      }),
    calls: { lag: (consumer) => consumer.lag() },
    closesWithinMs: 1500 + ROOM_MS,
  }),
  PullConsumer: define({
    type: PullConsumer,
    make: (nameServer) =>
      new PullConsumer({
        ...short,
        ...{ nameServers: [nameServer], group: 'G', subscriptions, closeTimeoutMs: 1000 },
        ...{ longPollMs: 100, pullTimeoutMs: TIMEOUT_MS, pullRetryPauseMs: 20 },
      }),
    calls: {
      topicQueues: (consumer) => consumer.topicQueues('T'),
      poll: (consumer) => consumer.poll(limits),
      committed: (consumer) => consumer.committed(queue),
      commit: (consumer) => consumer.commit(),
      lag: (consumer) => consumer.lag(),
      seek: async (consumer) => {
        const [first] = consumer.queues;
        if (first !== undefined) await consumer.seek(first, 'end', limits);
      },
    },
    closesWithinMs: 1500 + ROOM_MS,
  }),
  PopConsumer: define({
    type: PopConsumer,
    make: (nameServer) =>
      new PopConsumer({
        ...short,
        ...{ nameServers: [nameServer], group: 'G', subscriptions, pollMs: 100, closeTimeoutMs: 1000 },
      }),
    calls: {
      pop: (consumer) => consumer.pop({ waitMs: 100, signal: AbortSignal.timeout(5000) }),
      ack: (consumer) => consumer.ack(popped(), limits),
      changeInvisible: (consumer) => consumer.changeInvisible(popped(), 1000, limits),
    },
    closesWithinMs: 1500 + ROOM_MS,
  }),
  Admin: define({
    type: Admin,
    make: (nameServer) => new Admin({ ...short, nameServers: [nameServer] }),
    calls: {
      clusterInfo: (admin) => admin.clusterInfo(),
      topicRoute: (admin) => admin.topicRoute('T'),
      topicRouteData: (admin) => admin.topicRouteData('T'),
      kvConfig: (admin) => admin.kvConfig('N', 'k'),
      kvConfigs: (admin) => admin.kvConfigs('N'),
      putKvConfig: (admin) => admin.putKvConfig('N', 'k', 'v'),
      deleteKvConfig: (admin) => admin.deleteKvConfig('N', 'k'),
      nameServerConfig: (admin) => admin.nameServerConfig(),
      updateNameServerConfig: (admin) => admin.updateNameServerConfig({ a: '1' }),
      wipeWritePermission: (admin) => admin.wipeWritePermission('broker-a'),
      addWritePermission: (admin) => admin.addWritePermission('broker-a'),
      topicList: (admin) => admin.topicList(),
      topicsByCluster: (admin) => admin.topicsByCluster('C'),
      systemTopics: (admin) => admin.systemTopics(),
      topicConfig: (admin, at) => admin.topicConfig(at, 'T'),
      allTopicConfigs: (admin, at) => admin.allTopicConfigs(at),
      createTopic: (admin, at) => admin.createTopic({ topic: 'T', brokerAddress: at }),
      createTopics: (admin, at) => admin.createTopics(at, [topicConfigOf('T')]),
      deleteTopic: (admin) => admin.deleteTopic('T'),
      topicStats: (admin) => admin.topicStats('T'),
      groupsOfTopic: (admin) => admin.groupsOfTopic('T'),
      minOffset: (admin) => admin.minOffset(queue),
      maxOffset: (admin) => admin.maxOffset(queue),
      offsetByTime: (admin) => admin.offsetByTime(queue, 1),
      earliestStoreTime: (admin) => admin.earliestStoreTime(queue),
      consumeStats: (admin) => admin.consumeStats('G', 'T'),
      consumeTimeSpan: (admin) => admin.consumeTimeSpan('G', 'T'),
      cloneGroupOffset: (admin, at) => admin.cloneGroupOffset('G', 'H', { topic: 'T', brokerAddress: at }),
      setMessageRequestMode: (admin, at) =>
        admin.setMessageRequestMode('G', 'T', 'POP', { brokerAddress: at }),
      queryAssignment: (admin) => admin.queryAssignment('G', 'T', 'c'),
      createSubscriptionGroup: (admin, at) =>
        admin.createSubscriptionGroup({ group: 'G', brokerAddress: at }),
      subscriptionGroup: (admin, at) => admin.subscriptionGroup(at, 'G'),
      subscriptionGroups: (admin, at) => admin.subscriptionGroups(at),
      deleteSubscriptionGroup: (admin, at) => admin.deleteSubscriptionGroup('G', { brokerAddress: at }),
      topicsOfGroup: (admin) => admin.topicsOfGroup('G'),
      consumerConnections: (admin) => admin.consumerConnections('G'),
      producerConnections: (admin) => admin.producerConnections('PG', 'T'),
      brokerRuntimeInfo: (admin, at) => admin.brokerRuntimeInfo(at),
      brokerConsumeStats: (admin, at) => admin.brokerConsumeStats(at),
      brokerConfig: (admin, at) => admin.brokerConfig(at),
      updateBrokerConfig: (admin, at) => admin.updateBrokerConfig(at, { a: '1' }),
      memberGroup: (admin) => admin.memberGroup('C', 'broker-a'),
      cleanUnusedTopics: (admin, at) => admin.cleanUnusedTopics(at),
      deleteExpiredCommitLog: (admin, at) => admin.deleteExpiredCommitLog(at),
      cleanExpiredConsumeQueue: (admin, at) => admin.cleanExpiredConsumeQueue(at),
      queryConsumeQueue: (admin) => admin.queryConsumeQueue(queue, 0, 10),
      delayOffsets: (admin, at) => admin.delayOffsets(at),
      allConsumerOffsets: (admin, at) => admin.allConsumerOffsets(at),
      resetOffset: (admin) => admin.resetOffset({ group: 'G', topic: 'T', to: { timestamp: 1 } }, limits),
      skipAccumulated: (admin) => admin.skipAccumulated('G', 'T', limits),
      consumerStatus: (admin) => admin.consumerStatus('G', 'T', undefined, limits),
      consumerRunningInfo: (admin) => admin.consumerRunningInfo('G', 'c', limits),
      consumeDirectly: (admin) => admin.consumeDirectly('G', 'c', 'T', OFFSET_ID, limits),
      messageById: (admin, at) => admin.messageById(idAt(at)),
      messageByOffset: (admin) => admin.messageByOffset(queue, 0),
      readMessages: (admin) => admin.readMessages(queue, 0, { max: 10 }),
      messagesByKey: (admin) => admin.messagesByKey('T', 'k'),
      messageByUniqueKey: (admin) => admin.messageByUniqueKey('T', 'u'),
      messagesByUniqueKey: (admin) => admin.messagesByUniqueKey('T', 'u'),
      messageTrack: (admin) => admin.messageTrack({ ...received, ...FOUND }),
    },
    closesWithinMs: TIMEOUT_MS + ROOM_MS,
  }),
};

/** An offset message id that leads to this address on 127.0.0.1. */
function idAt(address: string): string {
  const port = Number(address.split(':')[1]).toString(16).toUpperCase().padStart(8, '0');
  return `7F000001${port}0000000000000001`;
}
