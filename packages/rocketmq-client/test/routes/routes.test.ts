import { describe, expect, it } from 'vitest';
import { RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { silentLogger } from '../../src/logger.ts';
import { NameServers } from '../../src/routes/name-servers.ts';
import { RouteCache } from '../../src/routes/route-cache.ts';
import { routeFromTemplate, topicRouteOf } from '../../src/routes/topic-route.ts';
import { RemotingClient } from '../../src/transport/remoting-client.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { deadAddress, ScriptedServer } from '../support/scripted-server.ts';

const nothing = { extFields: {}, body: Buffer.alloc(0) };
const remotingOptions = { connectTimeoutMs: 1000, maxInFlightRequests: 100 };
const limits = { timeoutMs: 2000 };

describe('NameServers', () => {
  it('asks the next one when one is gone, and stays with it', async () => {
    await using alive = await ScriptedServer.start((request, peer) => peer.respond(request, 0));
    const remoting = new RemotingClient(remotingOptions);
    const servers = new NameServers(remoting, [await deadAddress(), alive.address], () => 0);
    await servers.invoke(105, nothing, limits);
    await servers.invoke(105, nothing, limits);
    expect(alive.requests).toHaveLength(2);
    remoting.close();
  });

  it('comes back to the first when the second goes too', async () => {
    await using first = await ScriptedServer.start((request, peer) => peer.respond(request, 0));
    await using second = await ScriptedServer.start((request, peer) => peer.respond(request, 0));
    const remoting = new RemotingClient(remotingOptions);
    const servers = new NameServers(remoting, [first.address, second.address], () => 0.6);
    await servers.invoke(105, nothing, limits);
    expect(second.requests).toHaveLength(1);
    await second.close();
    await servers.invoke(105, nothing, limits);
    expect(first.requests).toHaveLength(1);
    remoting.close();
  });

  it('fails clearly when none answers', async () => {
    const remoting = new RemotingClient(remotingOptions);
    const dead = await deadAddress();
    await expect(new NameServers(remoting, [dead]).invoke(105, nothing, limits)).rejects.toMatchObject({
      code: 'name-server-unreachable',
      retryable: true,
      message: expect.stringContaining(dead) as string,
    });
    remoting.close();
  });
});

async function cacheOn(
  cluster: ScriptedCluster,
): Promise<{ cache: RouteCache; remoting: RemotingClient; changes: string[] }> {
  const remoting = new RemotingClient(remotingOptions);
  const changes: string[] = [];
  const cache = new RouteCache(new NameServers(remoting, [cluster.address]), {
    requestTimeoutMs: 2000,
    logger: silentLogger,
    onChange: (route) => changes.push(route.topic),
  });
  return { cache, remoting, changes };
}

describe('the route cache', () => {
  it('looks a topic up once for all who ask at the same time', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    const { cache, remoting } = await cacheOn(cluster);
    const routes = await Promise.all([cache.get('T'), cache.get('T'), cache.get('T')]);
    expect(routes[0]?.writableQueues).toHaveLength(4);
    expect(cluster.server.requestsOf(RequestCode.GET_ROUTEINFO_BY_TOPIC)).toHaveLength(1);
    remoting.close();
  });

  it('tells about a topic that is not known', async () => {
    await using cluster = await ScriptedCluster.start({});
    const { cache, remoting } = await cacheOn(cluster);
    await expect(cache.get('T')).rejects.toMatchObject({ code: 'topic-not-found', retryable: true });
    await expect(cache.getForSend('T', 4)).rejects.toMatchObject({ code: 'topic-not-found' });
    remoting.close();
  });

  it('takes the template for the first send to a topic that a broker will create', async () => {
    await using cluster = await ScriptedCluster.start({ TBW102: 8 });
    const { cache, remoting } = await cacheOn(cluster);
    const route = await cache.getForSend('T', 4);
    expect(route.writableQueues.map((queue) => queue.topic)).toEqual(['T', 'T', 'T', 'T']);
    await expect(cache.refresh('T')).rejects.toMatchObject({ code: 'topic-not-found' });
    remoting.close();
  });

  it('keeps what it knows while NameServers are away, and reports only real changes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    const { cache, remoting, changes } = await cacheOn(cluster);
    await cache.get('T');
    await cache.refreshAll();
    cluster.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, (request, peer) =>
      peer.respond(request, ResponseCode.SYSTEM_ERROR),
    );
    await cache.refreshAll();
    expect((await cache.get('T')).writableQueues).toHaveLength(4);
    expect(changes).toEqual(['T']);
    cluster.off(RequestCode.GET_ROUTEINFO_BY_TOPIC);
    // A NameServer that has just started knows no topic until the brokers have come.
    cluster.topics.delete('T');
    await cache.refreshAll();
    expect((await cache.get('T')).writableQueues).toHaveLength(4);
    cluster.topics.set('T', 8);
    await cache.refreshAll();
    expect(changes).toEqual(['T', 'T']);
    remoting.close();
  });
});

describe('a topic route', () => {
  const queue = (brokerName: string, perm: number) => ({
    brokerName,
    perm,
    readQueueNums: 2,
    writeQueueNums: 1,
    topicSysFlag: 0,
  });
  const broker = (brokerName: string, id: string) => ({
    brokerName,
    cluster: 'C',
    brokerAddrs: { [id]: `${brokerName}:1` },
  });

  it('sends only to writable queues of brokers that have a master', () => {
    const route = topicRouteOf('T', {
      brokerDatas: [broker('b', '0'), broker('a', '0'), broker('slave', '1'), broker('ro', '0')],
      queueDatas: [queue('b', 6), queue('a', 6), queue('slave', 6), queue('ro', 4)],
    });
    expect(route.writableQueues.map((q) => `${q.brokerName}${q.queueId}`)).toEqual(['a0', 'b0']);
    expect(route.readableQueues.map((q) => `${q.brokerName}${q.queueId}`)).toEqual([
      ...['a0', 'a1', 'b0', 'b1', 'ro0', 'ro1', 'slave0', 'slave1'],
    ]);
  });

  it('follows the order configuration', () => {
    const data = { brokerDatas: [broker('a', '0')], queueDatas: [queue('a', 6)], orderTopicConf: 'b:2;a:1' };
    expect(topicRouteOf('T', data).writableQueues.map((q) => `${q.brokerName}${q.queueId}`)).toEqual([
      'b0',
      'b1',
      'a0',
    ]);
  });

  it('has no more queues from a template than asked for', () => {
    const template = {
      brokerDatas: [broker('a', '0')],
      queueDatas: [{ ...queue('a', 7), readQueueNums: 8, writeQueueNums: 8 }],
    };
    expect(routeFromTemplate('T', template, 4).writableQueues).toHaveLength(4);
  });
});
