import { commands, RequestCode, ResponseCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './support/folders.ts';
import { connect, startServer } from './support/server.ts';
import type { WireClient } from './support/wire-client.ts';

const route = (nameServer: WireClient, topic: string, version?: number): Promise<RemotingCommand> =>
  nameServer.request(
    RequestCode.GET_ROUTEINFO_BY_TOPIC,
    { extFields: { topic } },
    version === undefined ? {} : { version },
  );

describe('NameServer', () => {
  it('lists the cluster with its one broker', async () => {
    const server = await startServer({ clusterName: 'Own', brokerName: 'one' });
    const nameServer = await connect(server.nameServerAddress);
    const response = await nameServer.request(RequestCode.GET_BROKER_CLUSTER_INFO);
    expect(response.body.toString()).toContain('"brokerAddrs":{0:');
    expect(commands.getBrokerClusterInfo.decodeResponse(response)).toMatchObject({
      brokers: { one: { cluster: 'Own', brokerAddrs: { 0: server.brokerAddress } } },
      clusters: { Own: ['one'] },
    });
  });

  it('has the topics of a fresh broker', async () => {
    const server = await startServer();
    const nameServer = await connect(server.nameServerAddress);
    const response = await nameServer.request(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER);
    expect(commands.getAllTopicList.decodeResponse(response).topics.sort()).toEqual([
      'BenchmarkTest',
      'DefaultCluster',
      'DefaultCluster_REPLY_TOPIC',
      'OFFSET_MOVED_EVENT',
      'RMQ_SYS_TRANS_HALF_TOPIC',
      'RMQ_SYS_TRANS_OP_HALF_TOPIC',
      'SCHEDULE_TOPIC_XXXX',
      'SELF_TEST_TOPIC',
      'TBW102',
      'broker-a',
      'rmq_sys_REVIVE_LOG_DefaultCluster',
      'rmq_sys_SYNC_BROKER_MEMBER_broker-a',
    ]);
  });

  it('does not create topics, and without auto-create has no template for them', async () => {
    const server = await startServer({ autoCreateTopics: false });
    const nameServer = await connect(server.nameServerAddress);
    const broker = await connect(server.brokerAddress);
    for (const topic of ['Unknown', 'TBW102']) {
      const response = await route(nameServer, topic);
      expect(response.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
      expect(response.remark).toMatch(
        new RegExp(`^No topic route info in name server for the topic: ${topic}\\n`),
      );
    }
    const sent = await broker.send({ topic: 'Unknown' });
    expect(sent.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect(sent.remark).toMatch(/^topic\[Unknown\] not exist, apply first please!/);
  });

  it('writes broker ids for old clients as these expect them', async () => {
    const server = await startServer();
    const nameServer = await connect(server.nameServerAddress);
    expect((await route(nameServer, 'TBW102', 399)).body.toString()).toContain('{0:');
    expect((await route(nameServer, 'TBW102', 401)).body.toString()).toContain('{"0":');
  });

  it('forgets a deleted topic and hears of it again when the broker makes it anew', async () => {
    const server = await startServer();
    const nameServer = await connect(server.nameServerAddress);
    const broker = await connect(server.brokerAddress);
    await broker.createTopic('T');
    await broker.request(RequestCode.DELETE_TOPIC_IN_BROKER, { extFields: { topic: 'T' } });
    expect((await route(nameServer, 'T')).code).toBe(ResponseCode.SUCCESS);
    await nameServer.request(RequestCode.DELETE_TOPIC_IN_NAMESRV, {
      extFields: { topic: 'T', clusterName: 'Other' },
    });
    expect((await route(nameServer, 'T')).code).toBe(ResponseCode.SUCCESS);
    await nameServer.request(RequestCode.DELETE_TOPIC_IN_NAMESRV, { extFields: { topic: 'T' } });
    expect((await route(nameServer, 'T')).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await broker.createTopic('T');
    expect((await route(nameServer, 'T')).code).toBe(ResponseCode.SUCCESS);
  });

  it('keeps configuration by namespace over a restart', async () => {
    const dataDir = temporaryFolder();
    const server = await startServer({ dataDir });
    const entry = { namespace: 'ORDER_TOPIC_CONFIG', key: 'T', value: 'broker-a:4' };
    await (await connect(server.nameServerAddress)).request(RequestCode.PUT_KV_CONFIG, { extFields: entry });
    await server.close();
    const again = await connect((await startServer({ dataDir })).nameServerAddress);
    const { namespace, key } = entry;
    const found = await again.request(RequestCode.GET_KV_CONFIG, { extFields: { namespace, key } });
    expect(found.extFields).toEqual({ value: 'broker-a:4' });
    const missing = await again.request(RequestCode.GET_KV_CONFIG, {
      extFields: { namespace, key: 'Other' },
    });
    expect(missing.code).toBe(ResponseCode.QUERY_NOT_FOUND);
    const list = await again.request(RequestCode.GET_KVLIST_BY_NAMESPACE, { extFields: { namespace } });
    expect(JSON.parse(list.body.toString())).toEqual({ table: { T: 'broker-a:4' } });
  });

  it('starts on an empty folder in a moment', async () => {
    const start = performance.now();
    await startServer();
    // 300 ms on an idle machine; the tests share theirs.
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
