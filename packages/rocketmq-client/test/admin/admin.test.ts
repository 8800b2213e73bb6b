import { describe, expect, it } from 'vitest';
import { commands, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { Admin } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';

/** Two masters and a slave, all at the scripted address. */
function listBrokers(cluster: ScriptedCluster): void {
  const broker = (brokerName: string, brokerAddrs: Record<string, string>) => ({
    cluster: 'C',
    brokerName,
    brokerAddrs,
  });
  cluster.on(RequestCode.GET_BROKER_CLUSTER_INFO, (request, peer) => {
    const info = {
      brokers: {
        a: broker('a', { '0': cluster.address, '1': cluster.address }),
        b: broker('b', { '0': cluster.address }),
      },
      clusters: { C: ['a'], D: ['b'] },
    };
    peer.respond(request, 0, commands.getBrokerClusterInfo.encodeResponse(info));
  });
}

async function adminOn(cluster: ScriptedCluster): Promise<Admin> {
  listBrokers(cluster);
  const admin = new Admin({ nameServers: cluster.address });
  await admin.start();
  return admin;
}

describe('admin', () => {
  it('creates a topic on every master, or on those of one cluster', async () => {
    await using cluster = await ScriptedCluster.start({});
    await using admin = await adminOn(cluster);
    await admin.createTopic({ topic: 'T', writeQueueNums: 4 });
    const requests = cluster.server.requestsOf(RequestCode.UPDATE_AND_CREATE_TOPIC);
    expect(requests).toHaveLength(2);
    expect(requests[0] && commands.updateAndCreateTopic.decodeRequest(requests[0])).toMatchObject({
      ...{ topic: 'T', defaultTopic: 'TBW102', readQueueNums: 8, writeQueueNums: 4, perm: 6, order: false },
    });
    await admin.createTopic({ topic: 'T', clusterName: 'C' });
    expect(requests.length + 1).toBe(cluster.server.requestsOf(RequestCode.UPDATE_AND_CREATE_TOPIC).length);
    await expect(admin.createTopic({ topic: 'T', clusterName: 'X' })).rejects.toMatchObject({
      code: 'broker-not-found',
    });
    await expect(admin.createTopic({ topic: 'a b' })).rejects.toMatchObject({ code: 'options-invalid' });
  });

  it('deletes a topic from the masters first, then from the NameServers', async () => {
    await using cluster = await ScriptedCluster.start({});
    await using admin = await adminOn(cluster);
    await admin.deleteTopic('T');
    const codes = cluster.server.requests.map((request) => request.code).filter((code) => code > 210);
    expect(codes).toEqual([
      RequestCode.DELETE_TOPIC_IN_BROKER,
      RequestCode.DELETE_TOPIC_IN_BROKER,
      RequestCode.DELETE_TOPIC_IN_NAMESRV,
    ]);
  });

  it('creates a consumer group with the defaults of RocketMQ', async () => {
    await using cluster = await ScriptedCluster.start({});
    await using admin = await adminOn(cluster);
    await admin.createSubscriptionGroup({ group: 'G', retryMaxTimes: 2 });
    const [request] = cluster.server.requestsOf(RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP);
    expect(request && commands.updateAndCreateSubscriptionGroup.decodeRequest(request)).toMatchObject({
      ...{ groupName: 'G', retryMaxTimes: 2, retryQueueNums: 1, consumeEnable: true },
    });
  });

  it('gives the queues of a topic in order', async () => {
    await using cluster = await ScriptedCluster.start({ T: 3 });
    await using admin = await adminOn(cluster);
    const stats = (queueId: number) => ({
      queue: { topic: 'T', brokerName: 'broker-a', queueId },
      ...{ minOffset: 0, maxOffset: queueId, lastUpdateTimestamp: 0 },
    });
    cluster.on(RequestCode.GET_TOPIC_STATS_INFO, (request, peer) => {
      peer.respond(request, 0, commands.getTopicStatsInfo.encodeResponse({ queues: [2, 0, 1].map(stats) }));
    });
    expect((await admin.topicStats('T')).map((entry) => entry.queue.queueId)).toEqual([0, 1, 2]);
    await expect(admin.topicStats('unknown')).rejects.toMatchObject({ code: 'topic-not-found' });
  });

  it('knows a group without members from one that cannot be asked', async () => {
    await using cluster = await ScriptedCluster.start({});
    await using admin = await adminOn(cluster);
    cluster.on(RequestCode.GET_CONSUMER_CONNECTION_LIST, (request, peer) =>
      peer.respond(request, ResponseCode.CONSUMER_NOT_ONLINE),
    );
    await expect(admin.consumerConnections('G')).resolves.toBeUndefined();
    cluster.on(RequestCode.GET_CONSUMER_CONNECTION_LIST, (request, peer) =>
      peer.respond(request, ResponseCode.SYSTEM_ERROR),
    );
    await expect(admin.consumerConnections('G')).rejects.toMatchObject({
      code: 'broker-error',
      responseCode: 1,
    });
  });

  it('fails with "bad-answer" when an answer makes no sense', async () => {
    await using cluster = await ScriptedCluster.start({});
    await using admin = await adminOn(cluster);
    cluster.on(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, (request, peer) =>
      peer.respond(request, 0, { body: Buffer.from('{') }),
    );
    await expect(admin.topicList()).rejects.toMatchObject({ code: 'bad-answer' });
  });
});
