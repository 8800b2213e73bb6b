import {
  Admin,
  type OffsetStore,
  PopConsumer,
  type PopConsumerOptions,
  type PoppedMessage,
  Producer,
  PullConsumer,
  type PullConsumerOptions,
  PushConsumer,
  type PushConsumerOptions,
  type ReceivedMessage,
  TransactionProducer,
} from '@dt/rocketmq-client';
import { encodeReceiptHandle, topicConfigOf } from '@dt/rocketmq-protocol';

export interface Subject extends AsyncDisposable {
  start(): Promise<void>;
  close(): Promise<void>;
}

/** What a test chooses for a client and its calls. */
export interface Given {
  readonly nameServer: string;
  /** Of each request, connection and call. */
  readonly timeoutMs: number;
  readonly closeTimeoutMs: number;
  /** What handlers and local transactions do. */
  readonly work: () => Promise<void>;
}

/** Everything a class has that gives a promise, with arguments that are right. Topic T has the queues 0 and 1 of broker-a. */
export interface PublicClass<S extends Subject = Subject> {
  readonly type: { readonly prototype: S };
  readonly make: (given: Given) => S;
  readonly calls: Readonly<Record<string, (subject: S, given: Given) => Promise<unknown>>>;
  /** What goes on until the client is closed. */
  readonly streams?: Readonly<Record<string, (subject: S) => AsyncIterable<unknown>>>;
}

const clientOptions = ({ nameServer, timeoutMs }: Given) => ({
  nameServers: [nameServer],
  requestTimeoutMs: timeoutMs,
  connectTimeoutMs: timeoutMs,
});
const producerOptions = (given: Given) => ({
  ...clientOptions(given),
  ...{ group: 'PG', retryPauseMs: 10, sendTimeoutMs: given.timeoutMs, closeTimeoutMs: given.closeTimeoutMs },
});
const subscriptions = [{ topic: 'T', expression: '*' }];
const consumerOptions = (given: Given) => ({
  ...clientOptions(given),
  ...{ group: 'G', closeTimeoutMs: given.closeTimeoutMs },
});
const pulls = ({ timeoutMs }: Given) => ({
  ...{ longPollMs: 100, pullTimeoutMs: timeoutMs, pullRetryPauseMs: 20 },
});
const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
const message = { topic: 'T', body: 'x' };

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

/** Of a consumer that begins anew each time. */
const NO_STORE: OffsetStore = { load: async () => undefined, save: async () => undefined };

const producerCalls: PublicClass<Producer>['calls'] = {
  send: (producer) => producer.send(message),
  sendBatch: (producer) => producer.sendBatch([message, message]),
  sendOneWay: (producer) => producer.sendOneWay(message),
  request: (producer) => producer.request(message),
  reply: (producer, { nameServer }) => producer.reply(toReply(nameServer), 'y'),
};
const pushConsumer = (chosen: Partial<PushConsumerOptions>): PublicClass =>
  define({
    type: PushConsumer,
    make: (given) =>
      new PushConsumer({
        ...{ ...consumerOptions(given), ...pulls(given), subscriptions },
        ...{ handler: given.work, handlerGraceMs: given.closeTimeoutMs / 4 },
        ...chosen,
      }),
    calls: { lag: (consumer) => consumer.lag() },
  });
const pullConsumer = (chosen: Partial<PullConsumerOptions>): PublicClass =>
  define({
    type: PullConsumer,
    make: (given) => new PullConsumer({ ...consumerOptions(given), ...pulls(given), ...chosen }),
    calls: {
      assign: (consumer) => consumer.assign([queue]),
      topicQueues: (consumer) => consumer.topicQueues('T'),
      poll: (consumer, { timeoutMs }) => consumer.poll({ timeoutMs }),
      committed: (consumer) => consumer.committed(queue),
      commit: (consumer) => consumer.commit(),
      lag: (consumer) => consumer.lag(),
      seek: async (consumer) => {
        const [first] = consumer.queues;
        if (first !== undefined) await consumer.seek(first, 'end');
      },
    },
    streams: { messages: (consumer) => consumer.messages() },
  });
const popConsumer = (chosen: (given: Given) => Partial<PopConsumerOptions>): PublicClass =>
  define({
    type: PopConsumer,
    make: (given) =>
      new PopConsumer({ ...consumerOptions(given), subscriptions, pollMs: 100, ...chosen(given) }),
    calls: {
      pop: (consumer, { timeoutMs }) =>
        consumer.pop({ waitMs: timeoutMs, signal: AbortSignal.timeout(20 * timeoutMs) }),
      ack: (consumer) => consumer.ack(popped()),
      changeInvisible: (consumer) => consumer.changeInvisible(popped(), 1000),
    },
    streams: { messages: (consumer) => consumer.messages() },
  });

export const PUBLIC_CLASSES: Readonly<Record<string, PublicClass>> = {
  Producer: define({
    type: Producer,
    make: (given) => new Producer(producerOptions(given)),
    calls: producerCalls,
  }),
  'Producer with automatic batches': define({
    type: Producer,
    make: (given) => new Producer({ ...producerOptions(given), lingerMs: 1, messageTrace: true }),
    calls: producerCalls,
  }),
  TransactionProducer: define({
    type: TransactionProducer,
    make: (given) =>
      new TransactionProducer({ ...producerOptions(given), checker: async () => 'unknown' as const }),
    calls: {
      sendInTransaction: (producer, { work }) =>
        producer.sendInTransaction(message, async () => {
          await work();
          return 'commit';
        }),
    },
  }),
  PushConsumer: pushConsumer({}),
  'PushConsumer in order': pushConsumer({ onError: 'suspend', queueLocks: true }),
  'PushConsumer of all messages': pushConsumer({ model: 'broadcasting', offsetStore: NO_STORE }),
  PullConsumer: pullConsumer({ subscriptions }),
  'PullConsumer of given queues': pullConsumer({}),
  PopConsumer: popConsumer(() => ({})),
  'PopConsumer with a handler': popConsumer(({ work }) => ({ handler: work })),
  Admin: define({
    type: Admin,
    make: (given) => new Admin(clientOptions(given)),
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
      topicConfig: (admin, { nameServer: at }) => admin.topicConfig(at, 'T'),
      allTopicConfigs: (admin, { nameServer: at }) => admin.allTopicConfigs(at),
      createTopic: (admin, { nameServer: at }) => admin.createTopic({ topic: 'T', brokerAddress: at }),
      createTopics: (admin, { nameServer: at }) => admin.createTopics(at, [topicConfigOf('T')]),
      deleteTopic: (admin) => admin.deleteTopic('T'),
      topicStats: (admin) => admin.topicStats('T'),
      groupsOfTopic: (admin) => admin.groupsOfTopic('T'),
      minOffset: (admin) => admin.minOffset(queue),
      maxOffset: (admin) => admin.maxOffset(queue),
      offsetByTime: (admin) => admin.offsetByTime(queue, 1),
      earliestStoreTime: (admin) => admin.earliestStoreTime(queue),
      consumeStats: (admin) => admin.consumeStats('G', 'T'),
      consumeTimeSpan: (admin) => admin.consumeTimeSpan('G', 'T'),
      cloneGroupOffset: (admin, { nameServer: at }) =>
        admin.cloneGroupOffset('G', 'H', { topic: 'T', brokerAddress: at }),
      setMessageRequestMode: (admin, { nameServer: at }) =>
        admin.setMessageRequestMode('G', 'T', 'POP', { brokerAddress: at }),
      queryAssignment: (admin) => admin.queryAssignment('G', 'T', 'c'),
      createSubscriptionGroup: (admin, { nameServer: at }) =>
        admin.createSubscriptionGroup({ group: 'G', brokerAddress: at }),
      subscriptionGroup: (admin, { nameServer: at }) => admin.subscriptionGroup(at, 'G'),
      subscriptionGroups: (admin, { nameServer: at }) => admin.subscriptionGroups(at),
      deleteSubscriptionGroup: (admin, { nameServer: at }) =>
        admin.deleteSubscriptionGroup('G', { brokerAddress: at }),
      topicsOfGroup: (admin) => admin.topicsOfGroup('G'),
      consumerConnections: (admin) => admin.consumerConnections('G'),
      producerConnections: (admin) => admin.producerConnections('PG', 'T'),
      brokerRuntimeInfo: (admin, { nameServer: at }) => admin.brokerRuntimeInfo(at),
      brokerConsumeStats: (admin, { nameServer: at }) => admin.brokerConsumeStats(at),
      brokerConfig: (admin, { nameServer: at }) => admin.brokerConfig(at),
      updateBrokerConfig: (admin, { nameServer: at }) => admin.updateBrokerConfig(at, { a: '1' }),
      memberGroup: (admin) => admin.memberGroup('C', 'broker-a'),
      cleanUnusedTopics: (admin, { nameServer: at }) => admin.cleanUnusedTopics(at),
      deleteExpiredCommitLog: (admin, { nameServer: at }) => admin.deleteExpiredCommitLog(at),
      cleanExpiredConsumeQueue: (admin, { nameServer: at }) => admin.cleanExpiredConsumeQueue(at),
      queryConsumeQueue: (admin) => admin.queryConsumeQueue(queue, 0, 10),
      delayOffsets: (admin, { nameServer: at }) => admin.delayOffsets(at),
      allConsumerOffsets: (admin, { nameServer: at }) => admin.allConsumerOffsets(at),
      resetOffset: (admin) => admin.resetOffset({ group: 'G', topic: 'T', to: { timestamp: 1 } }),
      skipAccumulated: (admin) => admin.skipAccumulated('G', 'T'),
      consumerStatus: (admin) => admin.consumerStatus('G', 'T'),
      consumerRunningInfo: (admin) => admin.consumerRunningInfo('G', 'c'),
      consumeDirectly: (admin) => admin.consumeDirectly('G', 'c', 'T', OFFSET_ID),
      messageById: (admin, { nameServer: at }) => admin.messageById(idAt(at)),
      messageByOffset: (admin) => admin.messageByOffset(queue, 0),
      readMessages: (admin) => admin.readMessages(queue, 0, { max: 10 }),
      messagesByKey: (admin) => admin.messagesByKey('T', 'k'),
      messageByUniqueKey: (admin) => admin.messageByUniqueKey('T', 'u'),
      messagesByUniqueKey: (admin) => admin.messagesByUniqueKey('T', 'u'),
      messageTrack: (admin) => admin.messageTrack({ ...received, ...FOUND }),
    },
  }),
};

/** An offset message id that leads to this address on 127.0.0.1. */
function idAt(address: string): string {
  const port = Number(address.split(':')[1]).toString(16).toUpperCase().padStart(8, '0');
  return `7F000001${port}0000000000000001`;
}

/** Of the base classes, for their own use; nothing tells them from others when the program runs. */
const PROTECTED: ReadonlySet<string> = new Set([
  ...['invokeOptions', 'ofEveryMaster', 'brokersOf', 'masters', 'masterBrokers'],
  ...['onRequest', 'drain', 'settled', 'checkUsable', 'limits', 'whenRoom'],
]);
/** What gives no promise, and what every test of all classes calls itself. */
const NOT_ASYNC: ReadonlySet<string> = new Set(['constructor', 'pause', 'resume', 'position']);
const FRAME: ReadonlySet<string> = new Set(['start', 'close']);

/** Names of the methods that give a promise or a stream, those of base classes among them, but `start` and `close`. */
export function asyncMethods({ type }: PublicClass): string[] {
  const methods = new Set<string>();
  for (let at: object | null = type.prototype; at !== null && at !== Object.prototype;) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at)))
      if (typeof value === 'function') methods.add(name);
    at = Object.getPrototypeOf(at) as object | null;
  }
  return [...methods].filter((name) => !PROTECTED.has(name) && !NOT_ASYNC.has(name) && !FRAME.has(name));
}
