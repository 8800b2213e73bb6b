import { describe, expect, it } from 'vitest';
import { commands, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { Admin } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { ScriptedServer } from '../support/scripted-server.ts';

/** Masters a and b, both at the scripted address; the kv texts are kept. */
async function clusterWithKv(kv = new Map<string, string>()): Promise<ScriptedCluster> {
  const cluster = await ScriptedCluster.start({ T: 1 });
  cluster.on(RequestCode.GET_BROKER_CLUSTER_INFO, (request, peer) => {
    const broker = (brokerName: string, address: string) => ({
      cluster: 'C',
      brokerName,
      brokerAddrs: { '0': address },
    });
    const info = {
      brokers: { a: broker('a', cluster.address), b: broker('b', `localhost:${cluster.server.port}`) },
      clusters: { C: ['a', 'b'] },
    };
    peer.respond(request, 0, commands.getBrokerClusterInfo.encodeResponse(info));
  });
  cluster.on(RequestCode.PUT_KV_CONFIG, (request, peer) => {
    const { namespace, key, value } = commands.putKvConfig.decodeRequest(request);
    kv.set(`${namespace}/${key}`, value);
    peer.respond(request, 0);
  });
  cluster.on(RequestCode.GET_KV_CONFIG, (request, peer) => {
    const { namespace, key } = commands.getKvConfig.decodeRequest(request);
    const value = kv.get(`${namespace}/${key}`);
    if (value === undefined) peer.respond(request, ResponseCode.QUERY_NOT_FOUND);
    else peer.respond(request, 0, { extFields: { value } });
  });
  return cluster;
}

async function startAdmin(nameServers: string): Promise<Admin> {
  const admin = new Admin({ nameServers });
  await admin.start();
  return admin;
}

describe('an ordered topic', () => {
  it('has its queues told to the NameServers, those of all brokers or those of one put to the rest', async () => {
    const kv = new Map<string, string>();
    await using cluster = await clusterWithKv(kv);
    await using admin = await startAdmin(cluster.address);
    await admin.createTopic({ topic: 'T', writeQueueNums: 4, order: true, clusterName: 'C' });
    expect(kv.get('ORDER_TOPIC_CONFIG/T')).toBe('a:4;b:4');
    await admin.createTopic({ topic: 'T', writeQueueNums: 2, order: true, brokerAddress: cluster.address });
    expect(kv.get('ORDER_TOPIC_CONFIG/T')).toBe('a:2;b:4');
    await admin.createTopic({ topic: 'U', writeQueueNums: 2, order: true, brokerAddress: cluster.address });
    expect(kv.get('ORDER_TOPIC_CONFIG/U')).toBe('a:2');
    await admin.createTopic({ topic: 'V' });
    expect(kv.has('ORDER_TOPIC_CONFIG/V')).toBe(false);
  });
});

describe('attributes of a topic', () => {
  it('go to the broker as changes', async () => {
    await using cluster = await clusterWithKv();
    await using admin = await startAdmin(cluster.address);
    const attributes = { '+message.type': 'FIFO', '-other': '' };
    await admin.createTopic({ topic: 'T', attributes, brokerAddress: cluster.address });
    const [request] = cluster.server.requestsOf(RequestCode.UPDATE_AND_CREATE_TOPIC);
    expect(request?.extFields['attributes']).toBe('+message.type=FIFO,-other');
  });

  it.each([
    { 'message.type': 'FIFO' },
    { '+': 'x' },
    { '+a=b': 'x' },
    { '+a': '' },
    { '-a': 'x' },
    { '+a': 'x,+b=y' },
  ])('%j is refused at the door', async (attributes) => {
    await using cluster = await clusterWithKv();
    await using admin = await startAdmin(cluster.address);
    await expect(admin.createTopic({ topic: 'T', attributes: attributes })).rejects.toMatchObject({
      code: 'options-invalid',
      outcome: 'not-sent',
    });
    expect(cluster.server.requestsOf(RequestCode.UPDATE_AND_CREATE_TOPIC)).toEqual([]);
  });
});

describe('what NameServers keep', () => {
  it('is changed at every one of them: they do not tell each other', async () => {
    await using first = await clusterWithKv();
    await using second = await ScriptedServer.start((request, peer) => peer.respond(request, 0));
    await using admin = await startAdmin(`${first.address};${second.address}`);
    await admin.putKvConfig('N', 'k', 'v');
    await admin.deleteKvConfig('N', 'k');
    await admin.updateNameServerConfig({ a: '1' });
    for (const server of [first.server, second]) {
      for (const code of [
        RequestCode.PUT_KV_CONFIG,
        RequestCode.DELETE_KV_CONFIG,
        RequestCode.UPDATE_NAMESRV_CONFIG,
      ])
        expect([code, server.requestsOf(code).length]).toEqual([code, 1]);
    }
    await expect(admin.putKvConfig('N', 'k', ' ')).rejects.toMatchObject({ code: 'options-invalid' });
  });
});

describe('a choice of brokers', () => {
  it('is a cluster or an address, not both', async () => {
    await using cluster = await clusterWithKv();
    await using admin = await startAdmin(cluster.address);
    const both = { clusterName: 'C', brokerAddress: cluster.address };
    await expect(admin.createTopic({ topic: 'T', ...both })).rejects.toMatchObject({
      code: 'options-invalid',
    });
    await expect(admin.deleteSubscriptionGroup('G', both)).rejects.toMatchObject({ code: 'options-invalid' });
    await expect(admin.updateBrokerConfig(cluster.address, {})).rejects.toMatchObject({
      code: 'options-invalid',
    });
    await expect(admin.messagesByKey('T', 'k', { begin: 2, end: 1 })).rejects.toMatchObject({
      code: 'options-invalid',
    });
  });
});

describe('a message that cannot be read', () => {
  it('is a bad answer, and one that is not there is none', async () => {
    await using cluster = await clusterWithKv();
    await using admin = await startAdmin(cluster.address);
    const id = '7F000001' + cluster.server.port.toString(16).padStart(8, '0') + '0'.repeat(16);
    cluster.on(RequestCode.VIEW_MESSAGE_BY_ID, (request, peer) =>
      peer.respond(request, 0, { body: Buffer.from('garbage') }),
    );
    await expect(admin.messageById(id)).rejects.toMatchObject({ code: 'bad-answer' });
    cluster.on(RequestCode.VIEW_MESSAGE_BY_ID, (request, peer) => peer.respond(request, 0));
    await expect(admin.messageById(id)).resolves.toBeUndefined();
    cluster.on(RequestCode.VIEW_MESSAGE_BY_ID, (request, peer) =>
      peer.respond(request, ResponseCode.SYSTEM_ERROR, { remark: 'something else' }),
    );
    await expect(admin.messageById(id)).rejects.toMatchObject({ code: 'broker-error', responseCode: 1 });
  });
});
