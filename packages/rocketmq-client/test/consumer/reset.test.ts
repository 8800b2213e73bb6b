import { describe, expect, it } from 'vitest';
import { commands, createRequest, isResponse, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { PullConsumer, PushConsumer } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };
const numbered = (count: number) => Array.from({ length: count }, (_, i) => ({ body: String(i) }));

function reset(cluster: ScriptedCluster, offset: number, group = 'G'): void {
  const request = { topic: 'T', group, timestamp: 0, offsets: [{ queue, offset }] };
  const payload = commands.resetConsumerClientOffset.encodeRequest(request);
  const command = createRequest(RequestCode.RESET_CONSUMER_CLIENT_OFFSET, payload, {
    opaque: 1,
    oneway: true,
  });
  for (const peer of cluster.server.peers) peer.send(command);
}

describe('a reset that the broker leaves to its clients', () => {
  it('drops what is held, lets the handler end without counting it, and goes on at the new offset', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(6);
    const got: string[] = [];
    let end: () => void = () => undefined;
    await using consumer = new PushConsumer({
      ...{ nameServers: cluster.address, group: 'G', batchSize: 1, commitIntervalMs: 10 },
      subscriptions: [{ topic: 'T', expression: '*' }],
      handler: async ([message]) => {
        got.push(String(message?.body));
        if (got.length === 3) await new Promise<void>((resolve) => (end = resolve));
      },
    });
    await consumer.start();
    await until(() => got.length === 3, 'the call that waits');
    reset(cluster, 4, 'another group');
    reset(cluster, 1);
    await until(() => cluster.commitsOf('T').at(-1) === 1, 'the new offset');
    expect(got).toEqual(['0', '1', '2']);
    end();
    await until(() => cluster.commitsOf('T').at(-1) === 6, 'the end');
    expect(got).toEqual(['0', '1', '2', '1', '2', '3', '4', '5']);
  });

  it('is carried out by a pull consumer, too', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(3);
    await using consumer = new PullConsumer({
      ...{ nameServers: cluster.address, group: 'G', subscriptions: [{ topic: 'T', expression: '*' }] },
    });
    await consumer.start();
    expect(await consumer.poll()).toHaveLength(3);
    reset(cluster, 2);
    await until(() => consumer.position(queue) === 2, 'the new offset');
    expect((await consumer.poll())[0]?.queueOffset).toBe(2);
  });
});

describe('a reset on the side of the broker', () => {
  it('is what a pull learns, while a handler runs', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(4);
    let isReset = false;
    cluster.on(RequestCode.PULL_MESSAGE, (request, peer) => {
      const { topic, queueOffset } = commands.pullMessage.decodeRequest(request);
      if (topic === 'T' && queueOffset === 4 && !isReset) {
        isReset = true;
        cluster.pulled(request, peer, ResponseCode.PULL_OFFSET_MOVED, 2);
      } else cluster.pull(request, peer);
    });
    const got: string[] = [];
    await using consumer = new PushConsumer({
      ...{ nameServers: cluster.address, group: 'G', batchSize: 1, commitIntervalMs: 10 },
      subscriptions: [{ topic: 'T', expression: '*' }],
      handler: async ([message]) => {
        got.push(String(message?.body));
        if (got.length === 1) await until(() => cluster.commitsOf('T').at(-1) === 2, 'the new offset');
      },
    });
    await consumer.start();
    await until(() => cluster.commitsOf('T').at(-1) === 4, 'the end');
    expect(got).toEqual(['0', '2', '3']);
  });
});

describe('a reset that is told to a pull which was left for another offset', () => {
  it('is not lost', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(3);
    await using consumer = new PullConsumer({ nameServers: cluster.address, group: 'G' });
    await consumer.start();
    await consumer.assign([queue]);
    expect(await consumer.poll()).toHaveLength(3);
    const pulls = () => cluster.server.requestsOf(RequestCode.PULL_MESSAGE);
    await until(() => pulls().length === 2, 'the pull that is held');
    await consumer.seek(queue, 1);
    expect(await consumer.poll()).toHaveLength(2);
    const [, held] = pulls();
    if (held === undefined) throw new Error('a pull is held');
    const payload = commands.pullMessage.encodeResponse({
      ...{ suggestWhichBrokerId: 0, nextBeginOffset: 2, minOffset: 0, maxOffset: 3, body: Buffer.alloc(0) },
    });
    for (const peer of cluster.server.peers)
      peer.respond(held, ResponseCode.PULL_OFFSET_MOVED, { ...payload, remark: 'OFFSET_RESET' });
    expect((await consumer.poll({ timeoutMs: 5000 }))[0]?.queueOffset).toBe(2);
  });
});

describe('how far a member is', () => {
  it('is told to a broker that asks, for the group and the topic asked for', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = numbered(2);
    await using consumer = new PushConsumer({
      ...{ nameServers: cluster.address, group: 'G', commitIntervalMs: 10 },
      subscriptions: [{ topic: 'T', expression: '*' }],
      handler: async () => undefined,
    });
    await consumer.start();
    await until(() => cluster.commitsOf('T').at(-1) === 2, 'the commit');
    const ask = (group: string): void => {
      const payload = commands.getConsumerStatusFromClient.encodeRequest({
        topic: 'T',
        group,
        clientAddr: undefined,
      });
      const command = createRequest(RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT, payload, { opaque: 77 });
      for (const peer of cluster.server.peers) peer.send(command);
    };
    const answers = (): unknown[] =>
      cluster.server.requests
        .filter((command) => isResponse(command) && command.opaque === 77)
        .map((answer) => commands.getConsumerStatusFromClient.decodeResponse(answer).offsets);
    ask('G');
    await until(() => answers().length === cluster.server.peers.length, 'an answer');
    expect(answers()).toContainEqual([{ queue, offset: 2 }]);
    const before = answers().length;
    ask('other');
    await until(() => answers().length > before, 'another answer');
    expect(answers().at(-1)).toEqual([]);
  });
});
