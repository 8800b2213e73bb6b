import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { describe, expect, it } from 'vitest';
import { commands, RequestCode } from '@dt/rocketmq-protocol';
import { Producer } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

describe('heartbeats', () => {
  it('go to a broker as soon as there is a connection to it, again after it was lost', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = new Producer({ nameServers: cluster.address, group: 'PG', heartbeatMs: 50 });
    await producer.start();
    await producer.send({ topic: 'T', body: 'x' });
    await until(() => cluster.server.requestsOf(RequestCode.HEART_BEAT).length > 0, 'a heartbeat');
    const [request] = cluster.server.requestsOf(RequestCode.HEART_BEAT);
    expect(request && commands.heartBeat.decodeRequest(request)).toEqual({
      ...{ clientId: producer.clientId, producerGroups: ['PG'], consumers: [] },
    });
    for (const { socket } of cluster.server.peers) socket.destroy();
    const before = cluster.server.requestsOf(RequestCode.HEART_BEAT).length;
    await until(
      () => cluster.server.requestsOf(RequestCode.HEART_BEAT).length > before,
      'a heartbeat on a new connection',
    );
  });
});

describe('diagnostics', () => {
  it('tell about connections and sends to those who listen', async () => {
    const events: unknown[] = [];
    const listen = (event: unknown): void => void events.push(event);
    subscribe('rocketmq:connect', listen);
    subscribe('rocketmq:send', listen);
    try {
      await using cluster = await ScriptedCluster.start({ T: 1 });
      await using producer = new Producer({ nameServers: cluster.address, group: 'PG' });
      await producer.start();
      await producer.send({ topic: 'T', body: 'x' });
      expect(events).toEqual([
        { address: cluster.address },
        expect.objectContaining({
          topic: 'T',
          queueId: 0,
          brokerName: 'broker-a',
          messages: 1,
          sizeBytes: 1,
        }),
      ]);
    } finally {
      unsubscribe('rocketmq:connect', listen);
      unsubscribe('rocketmq:send', listen);
    }
  });
});
