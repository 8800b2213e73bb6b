import { describe, expect, it } from 'vitest';
import { commands, createResponse, encodeCommand, RequestCode } from '@dt/rocketmq-protocol';
import { Admin, Producer, PushConsumer } from '@dt/rocketmq-client';
import { RemotingClient } from '../../src/transport/remoting-client.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { type Script, ScriptedServer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

const nothing = { extFields: {}, body: Buffer.alloc(0) };
const options = { connectTimeoutMs: 1000, maxInFlightRequests: 100 };

describe('an answer', () => {
  it('that is cut at any byte is a lost connection, and no request before it suffers', async () => {
    let cutAt = 0;
    await using server = await ScriptedServer.start((request, peer) => {
      if (request.code === 1) return peer.respond(request, 0, { body: Buffer.from('whole') });
      const answer = encodeCommand(createResponse(request, 0, { body: Buffer.from('cut') }));
      peer.socket.end(answer.subarray(0, cutAt));
    });
    const bytes = encodeCommand(createResponse({ opaque: 2 }, 0, { body: Buffer.from('cut') })).length;
    for (cutAt = 0; cutAt < bytes; cutAt++) {
      const client = new RemotingClient(options);
      const [whole, cut] = await Promise.allSettled([
        client.invoke(server.address, 1, nothing, { timeoutMs: 5000 }),
        client.invoke(server.address, 2, nothing, { timeoutMs: 5000 }),
      ]);
      expect(whole).toMatchObject({ status: 'fulfilled', value: { body: Buffer.from('whole') } });
      expect(cut).toMatchObject({ reason: { code: 'connection-lost', outcome: 'unknown', retryable: true } });
      client.close();
    }
  });

  it('that comes in pieces of one byte is whole', async () => {
    await using server = await ScriptedServer.start((request, peer) => {
      peer.socket.setNoDelay(true);
      const answer = encodeCommand(createResponse(request, 0, { body: Buffer.from('bytes') }));
      let at = 0;
      const next = (): void => {
        if (at < answer.length) peer.socket.write(answer.subarray(at, ++at), () => setImmediate(next));
      };
      next();
    });
    const client = new RemotingClient(options);
    const { body } = await client.invoke(server.address, 1, nothing, { timeoutMs: 5000 });
    expect(body.toString()).toBe('bytes');
    client.close();
  });

  it('that comes twice counts once, and goes to nobody else', async () => {
    await using server = await ScriptedServer.start((request, peer) => {
      for (let n = 0; n < 3; n++) peer.respond(request, request.code);
    });
    const client = new RemotingClient(options);
    for (const code of [1, 2, 3, 4]) {
      const answer = await client.invoke(server.address, code, nothing, { timeoutMs: 5000 });
      expect(answer.code).toBe(code);
    }
    expect(server.peers).toHaveLength(1);
    client.close();
  });
});

describe('the address of a broker', () => {
  it('is followed when the NameServers give another one', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const broker: Script = (request, peer) => {
      if (request.code === RequestCode.SEND_MESSAGE_V2) cluster.accept(request, peer);
      else peer.respond(request, 0);
    };
    await using first = await ScriptedServer.start(broker);
    await using second = await ScriptedServer.start(broker);
    let address = first.address;
    cluster.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, (request, peer) =>
      peer.respond(
        request,
        0,
        commands.getRouteInfoByTopic.encodeResponse({
          brokerDatas: [{ cluster: 'C', brokerName: 'broker-a', brokerAddrs: { '0': address } }],
          queueDatas: [
            { brokerName: 'broker-a', readQueueNums: 1, writeQueueNums: 1, perm: 6, topicSysFlag: 0 },
          ],
        }),
      ),
    );
    await using producer = new Producer({ nameServers: cluster.address, group: 'PG', retryPauseMs: 20 });
    await producer.start();
    await producer.send({ topic: 'T', body: 'x' });
    address = second.address;
    await first.close();
    await producer.send({ topic: 'T', body: 'y' });
    expect(second.requestsOf(RequestCode.SEND_MESSAGE_V2)).toHaveLength(1);
  });
});

describe('after close()', () => {
  it('no promise is open, whatever was under way with servers that say nothing', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    cluster.stored[0] = [{ body: 'a' }];
    const silent = [
      ...[RequestCode.SEND_MESSAGE_V2, RequestCode.SEND_BATCH_MESSAGE, RequestCode.GET_MAX_OFFSET],
      ...[RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, RequestCode.UNREGISTER_CLIENT],
      ...[RequestCode.UPDATE_CONSUMER_OFFSET, RequestCode.CONSUMER_SEND_MSG_BACK],
    ];
    for (const code of silent) cluster.on(code, () => undefined);
    const common = { nameServers: cluster.address, requestTimeoutMs: 60_000 };
    const sending = { ...common, group: 'PG', closeTimeoutMs: 200, sendTimeoutMs: 60_000 };
    const producer = new Producer({ ...sending, maxPendingMessages: 12 });
    const batching = new Producer({ ...sending, lingerMs: 60_000 });
    const admin = new Admin(common);
    let handling = 0;
    const consumer = new PushConsumer({
      ...common,
      ...{ group: 'CG', subscriptions: [{ topic: 'T', expression: '*' }], from: 'first' },
      ...{ handlerGraceMs: 50, closeTimeoutMs: 1000, longPollMs: 1000 },
      handler: (_messages, { signal }) => {
        handling++;
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
      },
    });
    const parts = [producer, batching, admin, consumer];
    await Promise.all(parts.map((part) => part.start()));
    await until(() => handling === 1, 'a handler call');
    const message = { topic: 'T', body: 'x' };
    const open = [
      ...Array.from({ length: 10 }, () => producer.send(message)),
      producer.sendBatch([message, message, { ...message, shardingKey: 'k' }]),
      // These wait for room.
      ...Array.from({ length: 10 }, () => producer.send(message)),
      ...Array.from({ length: 10 }, () => batching.send(message)),
      admin.topicList(),
      consumer.lag(),
    ];
    const ended = Promise.allSettled(open);
    const startedAt = Date.now();
    await Promise.all(parts.map((part) => part.close()));
    let isOver = false;
    void ended.then(() => (isOver = true));
    // Nothing but what is in line already may be needed.
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(true);
    expect(Date.now() - startedAt).toBeLessThan(5000);
    await Promise.all(parts.map((part) => part.close()));
  });
});
