import { allocation } from '@dt/rocketmq-client';
import { eventually, RawConnection, uniqueName } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands, done, rocketmq } from '../wire.ts';
import { JavaClient } from '../foreign/java-client.ts';
import { type OurConsumer, openTarget, Stage, type Target, targets } from '../foreign/stage.ts';

const WITHIN = { timeoutMs: 45_000 };
const sorted = <T>(values: readonly T[]): T[] => [...values].sort();
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// A cluster that runs elsewhere has other times, and Java may not be here.
describe.skipIf(rocketmq.external)('a group of Java clients and ours', () => {
  let java: JavaClient;
  beforeAll(async () => {
    java = await JavaClient.start();
  }, 300_000);
  afterAll(() => java[Symbol.asyncDispose]());

  describe.concurrent.each(targets)('at the %s RocketMQ', (name) => {
    let target: Target;
    beforeAll(async () => {
      target = await openTarget(name);
    }, 120_000);
    afterAll(() => target.close());

    const open = (): Stage => new Stage(target, java);

    test('a group goes on where members of the other kind have ended', async () => {
      await using stage = open();
      const topic = await stage.topic(2);
      const group = uniqueName('group');
      const producer = await stage.producer();
      const send = async (wave: number): Promise<string[]> => {
        const wanted = Array.from({ length: 10 }, (_, n) => `${wave}: ${n}`);
        for (const body of wanted) await producer.send({ topic, body });
        return sorted(wanted);
      };
      for (const [wave, kind] of ['java', 'ours', 'java', 'ours'].entries()) {
        const wanted = await send(wave);
        const member = await (kind === 'java'
          ? stage.javaConsumer({ topic, group })
          : stage.consumer({ topic, group }));
        await eventually(() => member.bodies.length >= 10, WITHIN);
        await member.close();
        expect(sorted(member.bodies)).toEqual(wanted);
      }
    });

    test('in an ordered group a queue has one member at a time, of whichever kind, and keeps its order', async () => {
      await using stage = open();
      const topic = await stage.topic(4);
      const group = uniqueName('group');
      const producer = await stage.producer();
      const stored: string[] = [];
      let over = false;
      const sending = (async () => {
        for (let n = 0; !over; n++) {
          const wave = Array.from({ length: 8 }, (_, key) => ({
            topic,
            body: `${n}`,
            shardingKey: `${key}`,
          }));
          for (const outcome of await producer.sendBatch(wave))
            if (outcome.ok) stored.push(`${outcome.result.queue.queueId} ${outcome.result.queueOffset}`);
          await pause(50);
        }
      })();
      const joinOurs = (): Promise<OurConsumer> =>
        stage.consumer({ topic, group, queueLocks: true, batchSize: 1, lockRenewMs: 1000 }, () => pause(5));
      const joinJava = () => stage.javaConsumer({ topic, group, orderly: true, workMs: 5 });

      const java1 = await joinJava();
      await eventually(() => java1.calls.length > 10, WITHIN);
      const ours1 = await joinOurs();
      await eventually(() => ours1.queues(topic).length === 2 && ours1.calls.length > 10, WITHIN);
      const java2 = await joinJava();
      await eventually(() => java2.calls.length > 10, WITHIN);
      await java1.close();
      const ours2 = await joinOurs();
      await eventually(() => ours2.calls.length > 10, WITHIN);
      await ours1.close();
      await eventually(() => ours2.queues(topic).length === 2, WITHIN);
      over = true;
      await sending;

      const calls = () => [
        ...[java1, java2].flatMap((member) => member.calls),
        ...[ours1, ours2].flatMap((member) =>
          member.calls.map((call) => ({
            ...call,
            messages: call.messages.map(({ queue, queueOffset }) => ({
              queueId: queue.queueId,
              queueOffset,
            })),
          })),
        ),
      ];
      await eventually(() => {
        const seen = calls().flatMap(({ messages }) =>
          messages.map(({ queueId, queueOffset }) => `${queueId} ${queueOffset}`),
        );
        expect(stored.filter((of) => !seen.includes(of))).toEqual([]);
        return true;
      }, WITHIN);
      const faults: string[] = [];
      for (const queueId of [0, 1, 2, 3]) {
        const ofQueue = calls().filter(({ messages }) => messages[0]?.queueId === queueId);
        let end = 0;
        let next = 0;
        for (const call of ofQueue.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
          const offset = call.messages[0]?.queueOffset ?? -1;
          if (call.begin < end) faults.push(`${queueId}: ${offset} while another was at it`);
          // Who takes a queue over may repeat what its last member had not committed.
          if (offset > next) faults.push(`${queueId}: ${offset} before ${next}`);
          next = Math.max(next, offset + 1);
          end = Math.max(end, call.end);
        }
      }
      expect(faults).toEqual([]);
    });

    test('both kinds pop from one group, and what one could not do comes again to one of them', async () => {
      await using stage = open();
      const topic = await stage.topic(4);
      const group = uniqueName('group');
      await using broker = await RawConnection.open(target.brokerAddress);
      await done(broker, commands.setMessageRequestMode, {
        ...{ topic, consumerGroup: group, mode: 'POP' as const, popShareQueueNum: 0 },
      });
      const theirs = await stage.javaConsumer({ topic, group, pop: true, failures: 1 });
      const ours: string[] = [];
      await stage.popConsumer({
        ...{ nameServers: target.nameServer, group, subscriptions: [{ topic, expression: '*' }] },
        handler: async (message) => {
          ours.push(message.body.toString());
        },
      });
      await eventually(async () => (await theirs.queues()).length > 0, WITHIN);
      const wanted = Array.from({ length: 40 }, (_, n) => `${n}`);
      const producer = await stage.producer();
      for (const body of wanted) await producer.send({ topic, body });
      const good = (): string[] => [
        ...ours,
        ...theirs.calls
          .filter((call) => call.good)
          .flatMap(({ messages }) => messages.map(({ body }) => body.toString())),
      ];
      await eventually(() => good().length >= wanted.length, WITHIN);
      expect(sorted(good())).toEqual(sorted(wanted));
    });

    test('a Java consumer does what our admin client asks: it tells of itself, goes back, and handles a message', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const group = uniqueName('group');
      const producer = await stage.producer();
      const sent = await producer.send({ topic, body: 'one' });
      const consumer = await stage.javaConsumer({ topic, group });
      await eventually(() => consumer.calls.length === 1, WITHIN);
      const admin = await stage.admin();
      const clientId = (await admin.consumerConnections(group))?.connections[0]?.clientId ?? '';
      const info = await admin.consumerRunningInfo(group, clientId, { stack: true });
      expect(info?.subscriptions.map((subscription) => subscription.topic)).toContain(topic);

      const direct = await admin.consumeDirectly(group, clientId, topic, sent.offsetMessageId);
      expect(direct).toMatchObject({ consumeResult: 'CR_SUCCESS' });
      await eventually(() => consumer.calls.length === 2, WITHIN);

      await eventually(async () => {
        const { queues } = await admin.consumeStats(group, topic);
        return queues[0]?.consumerOffset === 1;
      }, WITHIN);
      await admin.resetOffset({ group, topic, to: 'first' });
      await producer.send({ topic, body: 'two' });
      await eventually(() => consumer.calls.length >= 4, WITHIN);
      expect(sorted(consumer.bodies)).toEqual(['one', 'one', 'one', 'two']);
    });

    test.each(['average', 'averageByCircle', 'consistentHash'] as const)(
      'members of both kinds share the queues without gap or overlap (%s)',
      async (allocate) => {
        await using stage = open();
        const topic = await stage.topic(8);
        const group = uniqueName('group');
        const strategy = allocate === 'consistentHash' ? allocation.consistentHash() : allocation[allocate];
        const joinJava = () => stage.javaConsumer({ topic, group, allocate });
        const joinOurs = () => stage.consumer({ topic, group, allocate: strategy });
        const [java1, java2, ours1, ours2] = await Promise.all([
          joinJava(),
          joinJava(),
          joinOurs(),
          joinOurs(),
        ]);
        const all = [0, 1, 2, 3, 4, 5, 6, 7];
        await eventually(async () => {
          const held = [await java1.queues(), await java2.queues(), ours1.queues(topic), ours2.queues(topic)];
          expect(sorted(held.flat())).toEqual(all);
          if (allocate !== 'consistentHash') expect(held.map(({ length }) => length)).toEqual([2, 2, 2, 2]);
          return true;
        }, WITHIN);
        await Promise.all([java1.close(), ours1.close()]);
        await eventually(async () => {
          expect(sorted([...(await java2.queues()), ...ours2.queues(topic)])).toEqual(all);
          return true;
        }, WITHIN);
        const producer = await stage.producer();
        await producer.sendBatch(
          Array.from({ length: 40 }, (_, n) => ({ topic, body: `${n}`, shardingKey: `${n}` })),
        );
        await eventually(() => java2.bodies.length + ours2.bodies.length >= 40, WITHIN);
        expect(new Set([...java2.bodies, ...ours2.bodies]).size).toBe(40);
      },
    );
  });
});
