import { describe, expect, it } from 'vitest';
import { commands, decodeProperties, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { Producer, type ProducerOptions } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';

const { SEND_MESSAGE_V2 } = RequestCode;

async function tracedProducer(
  cluster: ScriptedCluster,
  options: Partial<ProducerOptions> = {},
): Promise<Producer> {
  const producer = new Producer({
    ...{ nameServers: cluster.address, group: 'PG', messageTrace: { topic: 'TRACES' }, ...options },
  });
  await producer.start();
  return producer;
}

/** The messages of traces, as they came. */
function traces(cluster: ScriptedCluster): { records: string[]; keys: string[]; group: string }[] {
  return cluster.server
    .requestsOf(SEND_MESSAGE_V2)
    .map((request) => commands.sendMessageV2.decodeRequest(request))
    .filter(({ topic }) => topic === 'TRACES')
    .map(({ body, properties, producerGroup }) => ({
      records: body.toString().split('\u0002').slice(0, -1),
      keys: (decodeProperties(properties ?? '')['KEYS'] ?? '').split(' '),
      group: producerGroup,
    }));
}

describe('message traces', () => {
  it('gather, go in messages of at most 100 records under a group of their own, and all before the close', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1, TRACES: 1 });
    const producer = await tracedProducer(cluster);
    const sent = await Promise.all(
      Array.from({ length: 250 }, () => producer.send({ topic: 'T', body: 'x' })),
    );
    await producer.close();
    const all = traces(cluster);
    expect(all.flatMap(({ records }) => records)).toHaveLength(250);
    for (const { records, group } of all) {
      expect(records.length).toBeLessThanOrEqual(100);
      expect(group).toBe('_INNER_TRACE_PRODUCER-PG-P');
    }
    expect(new Set(all.flatMap(({ keys }) => keys))).toEqual(new Set(sent.map(({ messageId }) => messageId)));
  });

  it('are of no weight when they cannot be sent: neither for the message nor for the close', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1, TRACES: 1 });
    const producer = await tracedProducer(cluster, { requestTimeoutMs: 60_000, closeTimeoutMs: 400 });
    cluster.on(SEND_MESSAGE_V2, (request, peer) => {
      const { topic } = commands.sendMessageV2.decodeRequest(request);
      if (topic === 'T') cluster.accept(request, peer);
    });
    await producer.send({ topic: 'T', body: 'x' });
    // The test would be over before the time of a request is.
    await producer.close();
  });

  it('are not made of what failed, nor where the broker has switched them off', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1, TRACES: 1 });
    const producer = await tracedProducer(cluster, { maxAttempts: 1 });
    cluster.on(SEND_MESSAGE_V2, (request, peer) => {
      if (request.body.toString() === 'bad') return peer.respond(request, ResponseCode.MESSAGE_ILLEGAL);
      const header = { msgId: 'M', queueId: 0, queueOffset: 0, TRACE_ON: 'false' };
      peer.respond(request, 0, commands.sendMessageV2.encodeResponse(header));
    });
    await producer.send({ topic: 'T', body: 'bad' }).catch(() => undefined);
    await producer.send({ topic: 'T', body: 'off' });
    await producer.close();
    expect(traces(cluster)).toEqual([]);
  });
});
