import { describe, expect, it } from 'vitest';
import {
  commands,
  decodeBatchBody,
  decodeProperties,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { Producer, type ProducerOptions } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const { SEND_MESSAGE_V2, SEND_BATCH_MESSAGE } = RequestCode;

async function producerOn(
  cluster: ScriptedCluster,
  options: Partial<ProducerOptions> = {},
): Promise<Producer> {
  const producer = new Producer({
    nameServers: cluster.address,
    group: 'PG',
    retryPauseMs: 20,
    lingerMs: 0,
    ...options,
  });
  await producer.start();
  return producer;
}

function batches(cluster: ScriptedCluster): { queueId: number; bodies: string[]; ids: string[] }[] {
  return cluster.server.requestsOf(SEND_BATCH_MESSAGE).map((request) => {
    const { queueId, body } = commands.sendBatchMessage.decodeRequest(request);
    const entries = decodeBatchBody(body);
    return {
      queueId,
      bodies: entries.map((entry) => entry.body.toString()),
      ids: entries.map((entry) => decodeProperties(entry.propertiesText)['UNIQ_KEY'] ?? ''),
    };
  });
}

/** Stores nothing, and answers with offsets that go on. */
function numbered(cluster: ScriptedCluster): (request: RemotingCommand) => void {
  const next = new Map<number, number>();
  return (request) => {
    const { queueId } = commands.sendBatchMessage.decodeRequest(request);
    const count = request.code === SEND_BATCH_MESSAGE ? decodeBatchBody(request.body).length : 1;
    const queueOffset = next.get(queueId) ?? 0;
    next.set(queueId, queueOffset + count);
    const msgId = Array.from({ length: count }, (_, n) => `Q${queueId}-${queueOffset + n}`).join(',');
    cluster.server.peers
      .at(-1)
      ?.respond(request, 0, commands.sendMessageV2.encodeResponse({ msgId, queueId, queueOffset }));
  };
}

describe('sends with lingerMs', () => {
  it('of one turn share a request, and each has its own result', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const answer = numbered(cluster);
    cluster.on(SEND_BATCH_MESSAGE, answer);
    cluster.on(SEND_MESSAGE_V2, answer);
    await using producer = await producerOn(cluster);
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, n) => producer.send({ topic: 'T', body: `m${n}` })),
    );
    expect(batches(cluster)).toHaveLength(1);
    expect(batches(cluster)[0]?.ids).toEqual(results.map((result) => result.messageId));
    expect(results.map((result) => result.queueOffset)).toEqual(Array.from({ length: 50 }, (_, n) => n));
    expect(results[7]?.offsetMessageId).toBe('Q0-7');
    // Alone it goes as a message of its own.
    await producer.send({ topic: 'T', body: 'alone' });
    expect(cluster.server.requestsOf(SEND_MESSAGE_V2)).toHaveLength(1);
  });

  it('wait for others as long as it says, or until there are enough', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, { lingerMs: 300, maxBatchMessages: 4 });
    await producer.send({ topic: 'T', body: 'first' });
    const startedAt = Date.now();
    const enough = Promise.all([1, 2, 3, 4].map((n) => producer.send({ topic: 'T', body: `a${n}` })));
    await enough;
    expect(Date.now() - startedAt).toBeLessThan(250);
    const first = producer.send({ topic: 'T', body: 'b1' });
    setTimeout(() => void producer.send({ topic: 'T', body: 'b2' }), 20);
    await first;
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(295);
    expect(batches(cluster).map(({ bodies }) => bodies)).toEqual([
      ['a1', 'a2', 'a3', 'a4'],
      ['b1', 'b2'],
    ]);
  });

  it('do not wait when everyone who was answered has sent again', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, { lingerMs: 1000 });
    const startedAt = Date.now();
    const sender = async (name: string): Promise<void> => {
      for (let n = 0; n < 5; n++) await producer.send({ topic: 'T', body: `${name}${n}` });
    };
    await Promise.all(['a', 'b', 'c'].map(sender));
    // Only the first ones waited: nobody knew how many there are.
    expect(Date.now() - startedAt).toBeLessThan(1950);
    expect(batches(cluster).map(({ bodies }) => bodies)).toEqual(
      [0, 1, 2, 3, 4].map((n) => [`a${n}`, `b${n}`, `c${n}`]),
    );
  });

  it('are cut by bytes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, { maxBatchBytes: 2048 });
    const body = 'x'.repeat(600);
    await Promise.all(Array.from({ length: 9 }, () => producer.send({ topic: 'T', body })));
    for (const { bodies } of batches(cluster)) expect(bodies.length).toBeLessThanOrEqual(3);
  });

  it('keep the order of a key, with one request under way a queue, while the broker is slow', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    let underWay = 0;
    let most = 0;
    cluster.on(SEND_BATCH_MESSAGE, (request, peer) => {
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay--;
        cluster.accept(request, peer);
      }, 5);
    });
    await using producer = await producerOn(cluster, { maxBatchMessages: 8 });
    const sends: Promise<unknown>[] = [];
    for (let turn = 0; turn < 20; turn++) {
      for (let n = 0; n < 5; n++)
        sends.push(producer.send({ topic: 'T', shardingKey: 'a', body: String(turn * 5 + n) }));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sends);
    const bodies = batches(cluster).flatMap((batch) => batch.bodies);
    expect(bodies).toEqual(Array.from({ length: 100 }, (_, n) => String(n)));
    expect(most).toBe(1);
    expect(batches(cluster).length).toBeLessThan(40);
  });

  it('use several queues at the same time when any queue will do', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    await using producer = await producerOn(cluster, { maxBatchMessages: 10 });
    await Promise.all(Array.from({ length: 40 }, () => producer.send({ topic: 'T', body: 'x' })));
    expect(new Set(batches(cluster).map(({ queueId }) => queueId)).size).toBe(4);
  });

  it('fail alone when the broker refuses one of them', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const refuse = (request: RemotingCommand): boolean => request.body.includes('bad');
    for (const code of [SEND_BATCH_MESSAGE, SEND_MESSAGE_V2]) {
      cluster.on(code, (request, peer) => {
        if (refuse(request)) peer.respond(request, ResponseCode.MESSAGE_ILLEGAL);
        else cluster.accept(request, peer);
      });
    }
    await using producer = await producerOn(cluster);
    const results = await Promise.allSettled(
      ['a', 'b', 'bad', 'c', 'd'].map((body) => producer.send({ topic: 'T', body })),
    );
    expect(results.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    ]);
    expect(results[2]).toMatchObject({ reason: { code: 'broker-error', responseCode: 13 } });
  });

  it('are given up alone', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster, { lingerMs: 50 });
    const abort = new AbortController();
    const kept = producer.send({ topic: 'T', body: 'kept' });
    const left = producer.send({ topic: 'T', body: 'left' }, { signal: abort.signal });
    // Its place in the line comes with the turn.
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await expect(left).rejects.toMatchObject({ code: 'aborted', outcome: 'not-sent' });
    await kept;
    const late = new AbortController();
    cluster.on(SEND_BATCH_MESSAGE, () => late.abort());
    cluster.on(SEND_MESSAGE_V2, () => late.abort());
    await expect(producer.send({ topic: 'T', body: 'x' }, { signal: late.signal })).rejects.toMatchObject({
      code: 'aborted',
      outcome: 'unknown',
    });
    cluster.off(SEND_MESSAGE_V2);
    const sent = cluster.server.requestsOf(SEND_MESSAGE_V2).map(({ body }) => body.toString());
    expect(sent).not.toContain('left');
  });

  it('that linger go out when the producer closes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    const producer = await producerOn(cluster, { lingerMs: 60_000 });
    const sends = ['a', 'b', 'c'].map((body, n) =>
      producer.send({ topic: 'T', shardingKey: `k${n}`, body }, { timeoutMs: 90_000 }),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    await producer.close();
    await expect(Promise.all(sends)).resolves.toHaveLength(3);
  });

  it('end with an error each when nobody answers until the producer is closed', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    for (const code of [SEND_BATCH_MESSAGE, SEND_MESSAGE_V2]) cluster.on(code, () => undefined);
    const producer = await producerOn(cluster, { closeTimeoutMs: 100, maxBatchMessages: 4 });
    const sends = Array.from({ length: 30 }, () =>
      producer.send({ topic: 'T', shardingKey: 'k', body: 'x' }).then(
        () => 'sent',
        (error: { code: string }) => error.code,
      ),
    );
    await until(() => cluster.server.requestsOf(SEND_BATCH_MESSAGE).length === 1, 'the first batch');
    await producer.close();
    expect(new Set(await Promise.all(sends))).toEqual(new Set(['closed']));
  });

  it('of a topic nobody knows are told so', async () => {
    await using cluster = await ScriptedCluster.start({ T: 2 });
    await using producer = await producerOn(cluster);
    const results = await Promise.allSettled(
      ['a', 'b'].map((body) => producer.send({ topic: 'unknown', body })),
    );
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'topic-not-found' } });
  });
});
