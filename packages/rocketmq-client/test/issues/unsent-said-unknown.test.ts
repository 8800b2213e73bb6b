import { Producer } from '@dt/rocketmq-client';
import { RequestCode } from '@dt/rocketmq-protocol';
import { expect, it } from 'vitest';
import { ScriptedCluster } from '../support/scripted-cluster.ts';

it('a message whose route could not be looked up was not sent, whatever became of the look-up', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  await using producer = new Producer({ nameServers: cluster.address, group: 'PG', maxAttempts: 1 });
  await producer.start();
  cluster.on(RequestCode.GET_ROUTEINFO_BY_TOPIC, (_, peer) => peer.socket.destroy());
  const notSent = { code: 'name-server-unreachable', outcome: 'not-sent', retryable: true };
  const message = { topic: 'T', body: 'x' };
  await expect(producer.send(message)).rejects.toMatchObject(notSent);
  await expect(producer.send({ ...message, shardingKey: 'k' })).rejects.toMatchObject(notSent);
  await expect(producer.sendOneWay(message)).rejects.toMatchObject(notSent);
  expect(await producer.sendBatch([message])).toMatchObject([{ ok: false, error: notSent }]);
});
