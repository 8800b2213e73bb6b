import path from 'node:path';
import { commands, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { describe, expect, it, vi } from 'vitest';
import { silentLogger } from '../../src/logger.ts';
import { JsonFile } from '../../src/store/index.ts';
import { bundleCli, killChild, startChild } from '../support/child.ts';
import { temporaryFolder } from '../support/folders.ts';
import { connect, startBroker, startServer } from '../support/server.ts';
import type { WireClient } from '../support/wire-client.ts';
import { ack, askPop, pop, popSoon, sendAll, type Popped } from './support.ts';

const bodiesOf = (popped: readonly Popped[]): string[] => popped.map(({ body }) => body);

async function topicWith(broker: WireClient, bodies: readonly string[], topic = 'T'): Promise<string> {
  await broker.createTopic(topic);
  await sendAll(broker, topic, bodies);
  return topic;
}

describe('popped messages', () => {
  it('and their receipts live on after a restart', async () => {
    const dataDir = temporaryFolder();
    const first = await startServer({ dataDir });
    const before = await connect(first.brokerAddress);
    const topic = await topicWith(before, ['a', 'b', 'c', 'd']);
    const [a, b, c] = (await pop(before, topic, { invisibleTime: 1500, maxMsgNums: 3 })) as [
      Popped,
      Popped,
      Popped,
    ];
    await ack(before, topic, a);
    await first.close();

    const second = await startServer({ dataDir });
    const after = await connect(second.brokerAddress);
    const [d] = (await pop(after, topic)) as [Popped];
    expect(d.body).toBe('d');
    await ack(after, topic, d);
    expect((await ack(after, topic, b)).code).toBe(ResponseCode.SUCCESS);
    const again = await popSoon(after, topic, { invisibleTime: 1000 });
    expect(bodiesOf(again)).toEqual(['c']);
    expect(again[0]?.message.reconsumeTimes).toBe(1);
    expect(again[0]?.message.properties['UNIQ_KEY']).toBe(c.message.properties['UNIQ_KEY']);
    await ack(after, topic, again[0] as Popped);
    await second.close();
    // Nothing waits any more: the next start has nothing to read of three notes of pops and five of ends.
    const progress = path.join(dataDir, 'config', 'pop-progress.json');
    const json = new JsonFile(progress, { onDamage: 'refuse', logger: silentLogger });
    const { offsets } = json.load() as { offsets: number[] };
    expect(offsets.reduce((sum, offset) => sum + offset, 0)).toBe(3 + 5);
  });

  it('come again after kill -9, but for those whose acknowledgement was answered', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const args = ['--data', path.join(folder, 'data'), '--port', '0', '--broker-port', '0'];
    const first = await startChild(script, args);
    const before = await connect(first.broker);
    const topic = await topicWith(before, ['a', 'b', 'c']);
    const [a, b] = (await pop(before, topic, { invisibleTime: 2000 })) as [Popped, Popped];
    await ack(before, topic, a);
    await killChild(first);

    const second = await startChild(script, args);
    const after = await connect(second.broker);
    await ack(after, topic, b);
    // The group's offset may be as old as its last save, so some are given out twice; none may be missing.
    const again: Popped[] = [];
    await vi.waitUntil(
      async () => {
        again.push(...(await pop(after, topic, { pollTime: 200 })));
        return again.some(({ message }) => message.reconsumeTimes === 1);
      },
      { timeout: 15_000, interval: 10 },
    );
    expect(bodiesOf(again.filter(({ message }) => message.reconsumeTimes === 1))).toEqual(['c']);
  });

  it('in order hold their queue also after a restart', async () => {
    const dataDir = temporaryFolder();
    const first = await startServer({ dataDir });
    const before = await connect(first.brokerAddress);
    const topic = await topicWith(before, ['a', 'b']);
    const inOrder = { order: true, maxMsgNums: 1 };
    const [a] = (await pop(before, topic, inOrder)) as [Popped];
    await first.close();

    const second = await startServer({ dataDir });
    const after = await connect(second.brokerAddress);
    expect(await pop(after, topic, inOrder)).toEqual([]);
    const waiting = pop(after, topic, { ...inOrder, pollTime: 5000 });
    await ack(after, topic, a);
    expect(bodiesOf(await waiting)).toEqual(['b']);
  });

  it('in order come again in the same answer to the same attempt', async () => {
    const { broker } = await startBroker();
    const topic = await topicWith(broker, ['a', 'b']);
    const attempt = { order: true, attemptId: 'X', maxMsgNums: 1 };
    expect(bodiesOf(await pop(broker, topic, attempt))).toEqual(['a']);
    expect(bodiesOf(await pop(broker, topic, attempt))).toEqual(['a']);
    expect(await pop(broker, topic, { ...attempt, attemptId: 'Y' })).toEqual([]);
  });

  it('go with their topic', async () => {
    const { broker } = await startBroker();
    const topic = await topicWith(broker, ['a']);
    await pop(broker, topic, { invisibleTime: 300 });
    expect(bodiesOf(await popSoon(broker, topic, { invisibleTime: 300 }))).toEqual(['a']);
    const waiting = askPop(broker, topic, { pollTime: 10_000 });
    await broker.request(
      RequestCode.DELETE_TOPIC_IN_BROKER,
      commands.deleteTopicInBroker.encodeRequest({ topic }),
    );
    expect((await waiting).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    await topicWith(broker, ['new'], topic);
    expect(bodiesOf(await popSoon(broker, topic))).toEqual(['new']);
    expect(await pop(broker, topic, { pollTime: 600 })).toEqual([]);
  });

  it('that nobody acknowledges are bounded', async () => {
    const { broker } = await startBroker({ limits: { maxPopCheckpoints: 1 } });
    const topic = await topicWith(broker, ['a', 'b']);
    const [a] = (await pop(broker, topic, { maxMsgNums: 1 })) as [Popped];
    const full = await askPop(broker, topic, { maxMsgNums: 1 });
    expect([full.code, full.remark]).toEqual([
      ResponseCode.SYSTEM_BUSY,
      '[PC_SYNCHRONIZED]broker busy, 1 pops wait for their receipts',
    ]);
    await ack(broker, topic, a);
    expect(bodiesOf(await pop(broker, topic, { maxMsgNums: 1 }))).toEqual(['b']);
  });
});

describe('pops that wait', () => {
  it('are bounded', async () => {
    const { broker } = await startBroker({ limits: { maxHeldPops: 1 } });
    const topic = await topicWith(broker, []);
    const waiting = askPop(broker, topic, { pollTime: 500 });
    const full = await askPop(broker, topic, { pollTime: 500 });
    expect(full.code).toBe(ResponseCode.POLLING_FULL);
    expect((await waiting).code).toBe(ResponseCode.POLLING_TIMEOUT);
  });

  it('all get their part of what comes at once', async () => {
    const { server, broker } = await startBroker();
    const topic = await topicWith(broker, []);
    const pops = Array.from({ length: 4 }, async () => {
      const client = await connect(server.brokerAddress);
      return pop(client, topic, { pollTime: 5000, maxMsgNums: 1 });
    });
    const request = { consumerGroup: 'G', topic, queueId: -1 };
    await vi.waitUntil(async () => {
      const answer = await broker.request(
        RequestCode.POLLING_INFO,
        commands.pollingInfo.encodeRequest(request),
      );
      return commands.pollingInfo.decodeResponse(answer).pollingNum === 4;
    });
    await sendAll(broker, topic, ['a', 'b', 'c', 'd']);
    expect((await Promise.all(pops)).flatMap(bodiesOf).sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('are forgotten with their socket', async () => {
    const { server, broker } = await startBroker();
    const topic = await topicWith(broker, []);
    const gone = await connect(server.brokerAddress);
    const lost = askPop(gone, topic, { pollTime: 5000 }).catch((error: unknown) => error);
    const count = async (): Promise<number> => {
      const request = commands.pollingInfo.encodeRequest({ consumerGroup: 'G', topic, queueId: -1 });
      const answer = await broker.request(RequestCode.POLLING_INFO, request);
      return commands.pollingInfo.decodeResponse(answer).pollingNum;
    };
    await vi.waitUntil(async () => (await count()) === 1);
    gone.close();
    expect(await lost).toBeInstanceOf(Error);
    await vi.waitUntil(async () => (await count()) === 0);
    await sendAll(broker, topic, ['a']);
    expect(bodiesOf(await popSoon(broker, topic))).toEqual(['a']);
  });
});

describe('a pop', () => {
  it('of fewer messages than none is refused, of none gets none, whatever waits', async () => {
    const { broker } = await startBroker();
    const topic = await topicWith(broker, ['a']);
    expect((await askPop(broker, topic, { maxMsgNums: -1 })).code).toBe(ResponseCode.SYSTEM_ERROR);
    for (const pollTime of [0, 60_000])
      expect((await askPop(broker, topic, { maxMsgNums: 0, pollTime })).code).toBe(
        ResponseCode.POLLING_TIMEOUT,
      );
    expect(bodiesOf(await pop(broker, topic))).toEqual(['a']);
  });

  it('for a time that is over before it begins has its messages come again at once', async () => {
    const { broker } = await startBroker();
    const topic = await topicWith(broker, ['a']);
    expect(bodiesOf(await pop(broker, topic, { invisibleTime: -1 }))).toEqual(['a']);
    expect(bodiesOf(await popSoon(broker, topic))).toEqual(['a']);
  });

  it('passes by any number of messages it does not want', async () => {
    const { broker } = await startBroker();
    const topic = await topicWith(broker, []);
    const sends = Array.from({ length: 5000 }, (_, i) =>
      broker.send({ topic, body: Buffer.from(String(i)), properties: 'TAGS\u0001no\u0002' }),
    );
    await Promise.all(sends);
    await broker.send({ topic, body: Buffer.from('this'), properties: 'TAGS\u0001yes\u0002' });
    expect(bodiesOf(await pop(broker, topic, { exp: 'yes' }))).toEqual(['this']);
  });

  it('of a group that stands behind the end goes on at the end', async () => {
    const { broker } = await startBroker();
    const topic = await topicWith(broker, ['a']);
    const request = { consumerGroup: 'G', topic, queueId: 0, commitOffset: 99 };
    expect(await pop(broker, topic)).toHaveLength(1);
    await broker.request(
      RequestCode.UPDATE_CONSUMER_OFFSET,
      commands.updateConsumerOffset.encodeRequest(request),
    );
    expect(await pop(broker, topic)).toEqual([]);
    await sendAll(broker, topic, ['b']);
    expect(bodiesOf(await popSoon(broker, topic))).toEqual(['b']);
  });
});
