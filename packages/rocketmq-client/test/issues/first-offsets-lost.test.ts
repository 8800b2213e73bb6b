import { commands, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { expect, it } from 'vitest';
import { PushConsumer } from '../../src/index.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

// RocketMQ makes the table of a group's offsets in a topic with its first commit. Two first commits of different
// queues at the same time make two tables, and one of them is thrown away with what was committed.
it('keeps the offset of a queue although the broker lost the first one it acknowledged', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
  let stored: number | undefined;
  let commits = 0;
  cluster.on(RequestCode.UPDATE_CONSUMER_OFFSET, (request, peer) => {
    const { topic, commitOffset } = commands.updateConsumerOffset.decodeRequest(request);
    // The first one that is taken comes after the messages are done, so it alone tells of them.
    if (topic === 'T' && commitOffset < 2) return peer.respond(request, ResponseCode.SYSTEM_ERROR);
    if (topic === 'T' && ++commits > 1) stored = commitOffset;
    peer.respond(request, 0);
  });
  await using consumer = new PushConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    from: 'first',
    commitIntervalMs: 20,
    handler: async () => undefined,
  });
  await consumer.start();
  await until(() => stored === 2, 'the offset at the broker');
  // And then it is quiet.
  const toldSoFar = commits;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(commits).toBeLessThanOrEqual(toldSoFar + 1);
});
