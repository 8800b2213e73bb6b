import { deflateSync } from 'node:zlib';
import {
  eventually,
  protocol,
  RawConnection,
  startBroker,
  uniqueName,
  type RunningBroker,
} from '@dt/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { startAdmin } from './support.ts';
import { ask, commands, done, makeTopic, ResponseCode, rocketmq } from './wire.ts';

type Registration = Parameters<typeof commands.registerBroker.encodeRequest>[0];

// A cluster of its own: other tests would ask the brokers that are made up here.
describe.skipIf(rocketmq.external)('a NameServer', () => {
  let cluster: RunningBroker;
  beforeAll(async () => {
    cluster = await startBroker(rocketmq.target);
  });
  afterAll(() => cluster.close());

  let nameServer: RawConnection;
  beforeEach(async () => {
    nameServer = await connect();
  });

  async function connect(): Promise<RawConnection> {
    const connection = await RawConnection.open(cluster.nameServer);
    onTestFinished(() => connection.close());
    return connection;
  }

  function registration(topics: string[], overrides: Partial<Registration> = {}): Registration {
    return {
      brokerName: uniqueName('broker'),
      brokerAddr: '127.0.0.1:65001',
      clusterName: 'Strangers',
      haServerAddr: '127.0.0.1:65002',
      brokerId: 0,
      dataVersion: { counter: 1, stateVersion: 0, timestamp: 1 },
      topics: topics.map((topic) => protocol.topicConfigOf(topic, { writeQueueNums: 4 })),
      ...overrides,
    };
  }

  async function route(topic: string): Promise<protocol.TopicRouteData | undefined> {
    const { code, response } = await ask(nameServer, commands.getRouteInfoByTopic, { topic });
    return code === ResponseCode.SUCCESS ? response() : undefined;
  }

  test('gives out the topics of a broker that registers, and of its changes', async () => {
    const [one, two, three] = [uniqueName('topic'), uniqueName('topic'), uniqueName('topic')];
    const first = registration([one, two]);
    await done(nameServer, commands.registerBroker, first);
    const found = await route(one);
    expect(found?.brokerDatas).toMatchObject([
      { brokerName: first.brokerName, cluster: 'Strangers', brokerAddrs: { 0: first.brokerAddr } },
    ]);
    expect(found?.queueDatas).toMatchObject([
      { brokerName: first.brokerName, writeQueueNums: 4, readQueueNums: 8, perm: 6 },
    ]);
    expect((await done(nameServer, commands.getBrokerClusterInfo, {})).clusters).toMatchObject({
      Strangers: [first.brokerName],
    });
    expect(
      (await done(nameServer, commands.getTopicsByCluster, { cluster: 'Strangers' })).topics.sort(),
    ).toEqual([one, two].sort());

    // Only what has changed is told: the rest stays.
    const dataVersion = { counter: 2, stateVersion: 0, timestamp: 2 };
    await done(nameServer, commands.registerBroker, {
      ...first,
      dataVersion,
      topics: [protocol.topicConfigOf(three)],
    });
    expect(await route(one)).toBeDefined();
    expect(await route(three)).toBeDefined();
    const version = { ...first, dataVersion };
    expect(await done(nameServer, commands.queryDataVersion, version)).toEqual({
      changed: false,
      dataVersion,
    });
    expect(
      await done(nameServer, commands.queryDataVersion, { ...version, brokerAddr: '127.0.0.1:1' }),
    ).toEqual({ changed: true });

    // What it says again without a change of version is not looked at.
    const same = [protocol.topicConfigOf(one, { writeQueueNums: 7 })];
    await done(nameServer, commands.registerBroker, { ...first, dataVersion, topics: same });
    expect((await route(one))?.queueDatas).toMatchObject([{ writeQueueNums: 4 }]);

    await done(nameServer, commands.unregisterBroker, first);
    await eventually(async () => (await route(one)) === undefined);
    expect(await route(three)).toBeUndefined();
    expect((await done(nameServer, commands.getBrokerClusterInfo, {})).clusters).not.toHaveProperty(
      'Strangers',
    );
  });

  test('lets go of a broker with its connection, or when it is silent for too long', async () => {
    const [one, two] = [uniqueName('topic'), uniqueName('topic')];
    const leaving = await connect();
    await done(leaving, commands.registerBroker, registration([one, uniqueName('topic')]));
    expect(await route(one)).toBeDefined();
    leaving.close();
    await eventually(async () => (await route(one)) === undefined);

    const silent = await connect();
    const request = registration([two, uniqueName('topic')], { heartbeatTimeoutMillis: 1 });
    await done(silent, commands.registerBroker, request);
    await eventually(async () => (await route(two)) === undefined, { timeoutMs: 15_000 });
    await silent.closed;
  });

  test('knows a slave of its master, and tells it where that is', async () => {
    const topic = uniqueName('topic');
    const master = registration([topic, uniqueName('topic')]);
    await done(nameServer, commands.registerBroker, master);
    const other = await connect();
    const slave = { ...master, brokerId: 1, brokerAddr: '127.0.0.1:65011', haServerAddr: '127.0.0.1:65012' };
    expect(await done(other, commands.registerBroker, slave)).toMatchObject({
      masterAddr: master.brokerAddr,
      haServerAddr: master.haServerAddr,
    });
    expect((await route(topic))?.brokerDatas).toMatchObject([
      { brokerAddrs: { 0: master.brokerAddr, 1: slave.brokerAddr } },
    ]);
    await done(nameServer, commands.unregisterBroker, master);
    await eventually(async () => {
      const [data] = (await route(topic))?.brokerDatas ?? [];
      return data?.brokerAddrs['0'] === undefined && data?.brokerAddrs['1'] === slave.brokerAddr;
    });
  });

  test('refuses a body that is not whole, and a first registration with one topic', async () => {
    const request = registration([uniqueName('topic'), uniqueName('topic')]);
    const { extFields, body } = commands.registerBroker.encodeRequest(request);
    const code = commands.registerBroker.code;
    const damaged = await nameServer.request(code, {
      extFields,
      body: Buffer.concat([body, Buffer.from(' ')]),
    });
    expect([damaged.code, damaged.remark]).toEqual([1, expect.stringContaining('crc32 not match')]);
    const garbage = await nameServer.request(code, {
      extFields: { ...extFields, bodyCrc32: '0' },
      body: Buffer.from('{'),
    });
    expect(garbage.code).toBe(ResponseCode.SYSTEM_ERROR);
    const single = await ask(nameServer, commands.registerBroker, registration([uniqueName('topic')]));
    expect([single.code, single.remark]).toEqual([1, 'register broker failed']);
  });

  /** A body as brokers deflate it: each part behind its length, topics as texts. */
  function deflated(topics: string[], mappings: object[] = [], counter = 1): Buffer {
    const part = (text: string): Buffer[] => [number(Buffer.byteLength(text)), Buffer.from(text)];
    const number = (value: number): Buffer => Buffer.from(value.toString(16).padStart(8, '0'), 'hex');
    return deflateSync(
      Buffer.concat([
        ...part(JSON.stringify({ counter, stateVersion: 0, timestamp: 1 })),
        ...[number(topics.length), ...topics.flatMap((topic) => part(`${topic} 4 3 6 SINGLE_TAG {}`))],
        ...part('[]'),
        ...[number(mappings.length), ...mappings.flatMap((mapping) => part(JSON.stringify(mapping)))],
      ]),
    );
  }

  test('reads a deflated body, but only where the request says that it is one', async () => {
    const [one, two] = [uniqueName('topic'), uniqueName('topic')];
    const request = registration([]);
    const code = commands.registerBroker.code;
    const { extFields } = commands.registerBroker.encodeRequest(request);
    const body = deflated([one, two]);
    const unchecked = { ...extFields, bodyCrc32: '0' };
    // As brokers of 5.3.0 send it when they are told to compress.
    expect((await nameServer.request(code, { extFields: unchecked, body })).code).toBe(
      ResponseCode.SYSTEM_ERROR,
    );
    const compressed = { ...unchecked, compressed: 'true' };
    const cut = body.subarray(0, body.length / 2);
    expect((await nameServer.request(code, { extFields: compressed, body: cut })).code).toBe(
      ResponseCode.SYSTEM_ERROR,
    );
    expect(await route(one)).toBeUndefined();
    expect((await nameServer.request(code, { extFields: compressed, body })).code).toBe(ResponseCode.SUCCESS);
    for (const topic of [one, two])
      expect((await route(topic))?.queueDatas).toEqual([
        {
          ...{ brokerName: request.brokerName, readQueueNums: 4, writeQueueNums: 3, perm: 6 },
          topicSysFlag: 0,
        },
      ]);
    await done(nameServer, commands.unregisterBroker, request);
  });

  test('gives out which queues of a static topic each broker has, in either form of its body', async () => {
    const request = registration([uniqueName('topic'), uniqueName('topic')]);
    const [plain = '', other = ''] = request.topics.map(({ topicName }) => topicName);
    const mappingOf = (topic: string, epoch: number): protocol.TopicQueueMapping => ({
      ...{ topic, scope: '__global__', totalQueues: 4, brokerName: request.brokerName, epoch, dirty: false },
      queues: { '2': 0, '3': 1 },
    });
    await done(nameServer, commands.registerBroker, { ...request, queueMappings: [mappingOf(plain, 1)] });
    expect((await route(plain))?.queueMappings).toEqual([mappingOf(plain, 1)]);
    expect((await route(other))?.queueMappings).toBeUndefined();

    const { extFields } = commands.registerBroker.encodeRequest(request);
    const { brokerName: bname, queues: currIdMap, ...rest } = mappingOf(plain, 2);
    const registerDeflated = (counter: number): Promise<protocol.RemotingCommand> =>
      nameServer.request(commands.registerBroker.code, {
        extFields: { ...extFields, compressed: 'true', bodyCrc32: '0' },
        body: deflated([plain, other], [{ ...rest, bname, currIdMap }], counter),
      });
    // Without a change of version it is not looked at.
    await registerDeflated(1);
    expect((await route(plain))?.queueMappings).toEqual([mappingOf(plain, 1)]);
    await registerDeflated(2);
    expect((await route(plain))?.queueMappings).toEqual([mappingOf(plain, 2)]);
    await done(nameServer, commands.unregisterBroker, request);
  });

  test('gives a broker the queues of ordered topics, and adds topics by hand', async () => {
    const [topic, byHand] = [uniqueName('topic'), uniqueName('topic')];
    await done(nameServer, commands.putKvConfig, {
      namespace: 'ORDER_TOPIC_CONFIG',
      key: topic,
      value: 'broker-a:4',
    });
    const request = registration([topic, uniqueName('topic')]);
    const { orderTopics } = await done(nameServer, commands.registerBroker, request);
    expect(orderTopics[topic]).toBe('broker-a:4');
    const queue = { readQueueNums: 2, writeQueueNums: 2, perm: 6, topicSysFlag: 0 };
    const queueOf = (brokerName: string) => ({ ...queue, brokerName });
    const addByHand = async (...queueDatas: protocol.QueueData[]): Promise<void> => {
      const added = { topic: byHand, route: { brokerDatas: [], queueDatas } };
      await done(nameServer, commands.registerTopicInNameServer, added);
    };
    await addByHand(queueOf(request.brokerName), queueOf('nobody'));
    expect(await route(byHand)).toBeUndefined();
    await addByHand(queueOf(request.brokerName));
    expect((await route(byHand))?.queueDatas).toEqual([queueOf(request.brokerName)]);
    await done(nameServer, commands.brokerHeartbeat, request);

    // Given out to clients only on demand.
    expect((await route(topic))?.orderTopicConf).toBeUndefined();
    await done(nameServer, commands.updateNameServerConfig, { orderMessageEnable: 'true' });
    expect((await route(topic))?.orderTopicConf).toBe('broker-a:4');
    await done(nameServer, commands.updateNameServerConfig, { orderMessageEnable: 'false' });
  });

  test('takes a broker out of the way of producers', async () => {
    const admin = await startAdmin(cluster.nameServer);
    await using broker = await RawConnection.open(cluster.brokerAddress);
    const topic = await makeTopic(broker, 1);
    const queueDatas = async () => (await route(topic))?.queueDatas;
    expect(await admin.wipeWritePermission('broker-a')).toBeGreaterThan(5);
    expect(await queueDatas()).toMatchObject([{ perm: 4 }]);
    const changed = await makeTopic(broker, 1);
    expect((await route(changed))?.queueDatas).toMatchObject([{ perm: 6 }]);
    expect(await admin.addWritePermission('broker-a')).toBeGreaterThan(5);
    expect(await queueDatas()).toMatchObject([{ perm: 6 }]);
  });
});
