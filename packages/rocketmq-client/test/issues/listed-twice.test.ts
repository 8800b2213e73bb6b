import { commands, RequestCode } from '@dt/rocketmq-protocol';
import { expect, it } from 'vitest';
import { PushConsumer } from '../../src/index.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

// Brokers list a member once a connection, and one that was lost without their noticing counts for up to two minutes:
// the half of the queues that fell to the second mention had nobody.
it('keeps all queues of a group in which the broker lists it twice', async () => {
  await using cluster = await ScriptedCluster.start({ T: 4 });
  await using consumer = new PushConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    rebalanceIntervalMs: 20,
    handler: async () => undefined,
  });
  await consumer.start();
  let listed = 0;
  cluster.on(RequestCode.GET_CONSUMER_LIST_BY_GROUP, (request, peer) => {
    listed++;
    const clientIds = [consumer.clientId, consumer.clientId];
    peer.respond(request, 0, commands.getConsumerListByGroup.encodeResponse({ clientIds }));
  });
  // Of both topics, and what the first answers led to is done.
  await until(() => listed >= 6, 'the queues to be shared out');
  expect(consumer.queues.filter(({ topic }) => topic === 'T')).toHaveLength(4);
});
