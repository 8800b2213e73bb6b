import { eventually, RawConnection, uniqueName } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands, done, rocketmq } from '../wire.ts';
import { JavaClient, type JavaMessage } from '../foreign/java-client.ts';
import { openTarget, Stage, type Target, targets } from '../foreign/stage.ts';

const WITHIN = { timeoutMs: 45_000 };
const sorted = <T>(values: readonly T[]): T[] => [...values].sort();
const numbered = (count: number): string[] => Array.from({ length: count }, (_, n) => `body ${n}`);

// A cluster that runs elsewhere has other times, and Java may not be here.
describe.skipIf(rocketmq.external)('the Java client', () => {
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

    test('sends at once, later, in a batch and one way, and gets all of it', async () => {
      await using stage = open();
      const topic = await stage.topic(4);
      const consumer = await stage.javaConsumer({ topic });
      const producer = await stage.javaProducer();
      const properties = { region: 'eu', 'with space': 'ä = ö; 1' };
      const sent = await producer.send({ topic, body: 'one', tag: 'a', keys: ['k1', 'k2'], properties });
      expect(sent).toMatchObject({ status: 'SEND_OK', queueOffset: 0 });
      const later = await producer.send({ topic, body: 'two' }, 'sendAsync');
      expect(later.status).toBe('SEND_OK');
      const batch = await producer.sendBatch(numbered(3).map((body) => ({ topic, body })));
      expect(batch.messageId.split(',')).toHaveLength(3);
      await producer.sendOneWay({ topic, body: 'last' });

      await eventually(() => consumer.calls.length >= 6, WITHIN);
      expect(sorted(consumer.bodies)).toEqual(sorted(['one', 'two', ...numbered(3), 'last']));
      const one = consumer.messages.find(({ body }) => body.toString() === 'one');
      expect(one).toMatchObject({
        ...{ topic, tag: 'a', keys: 'k1 k2', properties, reconsumeTimes: 0 },
        ...{ messageId: sent.messageId, queueId: sent.queueId, queueOffset: sent.queueOffset },
      });
      const inBatch = consumer.messages.filter(({ body }) => body.toString().startsWith('body'));
      // Brokers add the properties of a batch to those of each message, and Java gives a batch an id as well.
      expect(new Set(inBatch.map(({ messageId }) => messageId)).size).toBe(1);
    });

    test('has a topic made by the first message', async () => {
      await using stage = open();
      const topic = uniqueName('topic');
      const producer = await stage.javaProducer();
      expect(await producer.send({ topic, body: 'first' })).toMatchObject({ status: 'SEND_OK' });
      const consumer = await stage.javaConsumer({ topic });
      await eventually(() => consumer.bodies.includes('first'), WITHIN);
    });

    test('gets delayed messages when it is time, and not before', async () => {
      await using stage = open();
      const topic = await stage.topic(2);
      const consumer = await stage.javaConsumer({ topic });
      const producer = await stage.javaProducer();
      await producer.send({ topic, body: 'warm' });
      await eventually(() => consumer.bodies.includes('warm'), WITHIN);
      const before = Date.now();
      await producer.send({ topic, body: 'level', delayLevel: 1 });
      await eventually(() => consumer.bodies.includes('level'), WITHIN);
      const level = consumer.messages.find(({ body }) => body.toString() === 'level');
      expect((level?.storeTimestamp ?? 0) - before).toBeGreaterThanOrEqual(1000);
      expect(level).toMatchObject({ topic, properties: { REAL_TOPIC: topic } });
    });

    test('gets a message for a time then, at most a second before', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const consumer = await stage.javaConsumer({ topic });
      const producer = await stage.javaProducer();
      const deliverAt = Date.now() + 3000;
      await producer.send({ topic, body: 'timed', keys: ['k'], deliverAt });
      await eventually(() => consumer.calls.length >= 1, WITHIN);
      expect(consumer.messages[0]).toMatchObject({ topic, keys: 'k', body: Buffer.from('timed') });
      expect(consumer.messages[0]?.storeTimestamp).toBeGreaterThanOrEqual(deliverAt - 1000);
    });

    test('consumes in order, and goes on with a message that failed before all others', async () => {
      await using stage = open();
      const topic = await stage.topic(3);
      const producer = await stage.javaProducer();
      const keys = ['a', 'b', 'c', 'd', 'e'];
      const queueOf = new Map<string, number>();
      for (let n = 0; n < 4; n++) {
        for (const shardingKey of keys) {
          const sent = await producer.send({ topic, body: `${shardingKey} ${n}`, shardingKey }, 'sendByKey');
          expect(queueOf.get(shardingKey) ?? sent.queueId).toBe(sent.queueId);
          queueOf.set(shardingKey, sent.queueId);
        }
      }
      const consumer = await stage.javaConsumer({ topic, orderly: true, failures: 1 });
      await eventually(() => consumer.calls.filter(({ good }) => good).length >= 20, WITHIN);
      for (const key of keys) {
        const calls = consumer.calls.filter(({ messages: [message] }) =>
          message?.body.toString().startsWith(key),
        );
        expect(calls.map(({ good, messages: [message] }) => `${message?.body.toString()} ${good}`)).toEqual(
          [0, 1, 2, 3].flatMap((n) => [`${key} ${n} false`, `${key} ${n} true`]),
        );
      }
    });

    test('broadcasts: every member of the group gets all messages', async () => {
      await using stage = open();
      const topic = await stage.topic(3);
      const group = uniqueName('group');
      const members = await Promise.all(
        [1, 2].map(() => stage.javaConsumer({ topic, group, broadcasting: true })),
      );
      const producer = await stage.javaProducer();
      for (const body of numbered(9)) await producer.send({ topic, body });
      for (const member of members) {
        await eventually(() => member.calls.length >= 9, WITHIN);
        expect(sorted(member.bodies)).toEqual(numbered(9));
      }
    });

    test('pops messages of a group set to it, and gets again what failed', async () => {
      await using stage = open();
      const topic = await stage.topic(4);
      const group = uniqueName('group');
      await using broker = await RawConnection.open(target.brokerAddress);
      await done(broker, commands.setMessageRequestMode, {
        ...{ topic, consumerGroup: group, mode: 'POP' as const, popShareQueueNum: 0 },
      });
      // A new group pops what comes after it.
      const consumers = await Promise.all(
        [1, 2].map(() => stage.javaConsumer({ topic, group, pop: true, failures: 1 })),
      );
      // Queue -1: any queue of the broker.
      const held = () => Promise.all(consumers.map((consumer) => consumer.queues()));
      await eventually(async () => (await held()).every(([queueId]) => queueId === -1), WITHIN);
      const producer = await stage.javaProducer();
      for (const body of numbered(8)) await producer.send({ topic, body });
      const calls = () => consumers.flatMap((consumer) => consumer.calls);
      await eventually(() => calls().filter(({ good }) => good).length >= 8, WITHIN);
      const messages = calls().flatMap((call) => call.messages);
      expect(
        sorted(messages.map(({ body, reconsumeTimes }) => `${body.toString()} ${reconsumeTimes}`)),
      ).toEqual(sorted(numbered(8).flatMap((body) => [`${body} 0`, `${body} 1`])));
      expect(new Set(messages.map((message) => message.topic))).toEqual(new Set([topic]));
    });

    test('pulls at its own pace, commits, seeks and goes on from there', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const producer = await stage.javaProducer();
      for (const body of numbered(10)) await producer.send({ topic, body });
      const group = uniqueName('group');
      const queue = { topic, brokerName: 'broker-a', queueId: 0 };
      const member = await stage.javaPullConsumer({ topic, group });
      const polled: JavaMessage[] = [];
      await eventually(async () => polled.push(...(await member.poll())) >= 10, WITHIN);
      expect(polled.map(({ body }) => body.toString())).toEqual(numbered(10));
      await member.commit();
      await eventually(async () => (await member.committed(queue)) === 10, WITHIN);

      const reader = await stage.javaPullConsumer({ assign: queue });
      await reader.seek(queue, 7);
      const again: JavaMessage[] = [];
      await eventually(async () => again.push(...(await reader.poll())) >= 3, WITHIN);
      expect(again.map(({ queueOffset }) => queueOffset)).toEqual([7, 8, 9]);
    });

    test('chooses by tag and by SQL92, and is told of an expression that is none', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const byTag = await stage.javaConsumer({ topic, expression: 'a || b' });
      const bySql = await stage.javaConsumer({ topic, sql: true, expression: "n > 1 AND TAGS = 'c'" });
      const wrong = stage.javaConsumer({ topic, sql: true, expression: 'n >' });
      await expect(wrong).rejects.toThrow(/23|FILTER|Subscription|expression/i);
      const producer = await stage.javaProducer();
      const tags = ['a', 'b', 'c', 'c', 'd'];
      for (const [n, tag] of tags.entries())
        await producer.send({ topic, tag, body: `${tag}${n}`, properties: { n: `${n}` } });
      await eventually(() => byTag.calls.length >= 2 && bySql.calls.length >= 2, WITHIN);
      expect(sorted(byTag.bodies)).toEqual(['a0', 'b1']);
      expect(sorted(bySql.bodies)).toEqual(['c2', 'c3']);
    });

    test.each(['ZLIB', 'LZ4', 'ZSTD'])('gets bodies as they were before %s', async (compress) => {
      await using stage = open();
      const topic = await stage.topic(1);
      const producer = await stage.javaProducer({ compress, compressFromBytes: 1000 });
      const body = 'compressible '.repeat(5000);
      await producer.send({ topic, body });
      await producer.send({ topic, body: 'short' });
      const consumer = await stage.javaConsumer({ topic });
      await eventually(() => consumer.calls.length >= 2, WITHIN);
      expect(sorted(consumer.bodies)).toEqual([body, 'short']);
    });

    test('commits, rolls back, and is asked how a transaction ended', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const consumer = await stage.javaConsumer({ topic });
      const producer = await stage.javaProducer({ checker: 'COMMIT_MESSAGE' });
      expect(await producer.sendInTransaction({ topic, body: 'yes' }, 'COMMIT_MESSAGE')).toMatchObject({
        ...{ status: 'SEND_OK', state: 'COMMIT_MESSAGE' },
      });
      await producer.sendInTransaction({ topic, body: 'no' }, 'ROLLBACK_MESSAGE');
      const asked = await producer.sendInTransaction({ topic, body: 'later', keys: ['k'] }, 'UNKNOW');
      await eventually(() => consumer.bodies.includes('yes') && consumer.bodies.includes('later'), WITHIN);
      expect(consumer.bodies).not.toContain('no');
      expect(producer.checked.map(({ body }) => body.toString())).not.toContain('no');
      expect(producer.checked[0]).toMatchObject({
        ...{ topic, keys: 'k', properties: { UNIQ_KEY: asked.messageId } },
      });
      const later = consumer.messages.find(({ body }) => body.toString() === 'later');
      expect(later).toMatchObject({ topic, messageId: asked.messageId });
    });

    test('gets again what failed, and finds in the dead letters what failed too often', async () => {
      await using stage = open();
      const topic = await stage.topic(2);
      const group = uniqueName('group');
      const producer = await stage.javaProducer();
      const { messageId } = await producer.send({ topic, body: 'bad', tag: 'a', keys: ['k'] });
      const consumer = await stage.javaConsumer({ topic, group, failures: 99, maxReconsumeTimes: 2 });
      await eventually(() => consumer.calls.length >= 3, WITHIN);
      const dead = await stage.javaConsumer({ topic: `%DLQ%${group}` });
      await eventually(() => dead.calls.length >= 1, WITHIN);
      expect(consumer.messages.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 1, 2]);
      for (const message of consumer.messages)
        expect(message).toMatchObject({ topic, messageId, tag: 'a', keys: 'k' });
      expect(dead.messages[0]).toMatchObject({
        ...{ messageId, keys: 'k', properties: { RETRY_TOPIC: topic } },
        body: Buffer.from('bad'),
      });
    });

    test('finds messages by id, unique key and key, and offsets by time', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const producer = await stage.javaProducer();
      const first = await producer.send({ topic, body: 'first', keys: ['k1', 'shared'] });
      await producer.send({ topic, body: 'second', keys: ['shared'] });
      expect(await producer.view(topic, first.offsetMessageId)).toMatchObject({ messageId: first.messageId });
      const found = await eventually(async () => {
        const messages = await producer.query(topic, 'shared').catch(() => []);
        return messages.length === 2 && messages;
      }, WITHIN);
      expect(sorted(found.map(({ body }) => body.toString()))).toEqual(['first', 'second']);
      const byUniqueKey = await producer.view(topic, first.messageId);
      expect(byUniqueKey).toMatchObject({ messageId: first.messageId, keys: 'k1 shared' });
      const queue = { topic, brokerName: 'broker-a', queueId: 0 };
      const later = Date.now() + 3_600_000;
      expect(await producer.offsets(queue, later)).toMatchObject({ min: 0, max: 2 });
      expect((await producer.offsets(queue, byUniqueKey.storeTimestamp)).atTime).toBe(0);
    });

    test('asks with a message and gets the reply, or learns that none came', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      await stage.javaConsumer({ topic, replies: true });
      const producer = await stage.javaProducer();
      const reply = await producer.request({ topic, body: 'twice ' }, 30_000);
      expect(reply.body.toString()).toBe('twice twice ');
      const nobody = await stage.topic(1);
      await expect(producer.request({ topic: nobody, body: 'hello?' }, 1000)).rejects.toThrow(/Timeout/);
    });

    test('traces what it sends', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const traces = await stage.javaConsumer({ topic: 'RMQ_SYS_TRACE_TOPIC' });
      const producer = await stage.javaProducer({ trace: true });
      const { messageId } = await producer.send({ topic, body: 'traced', keys: ['k'] });
      await eventually(
        () => traces.messages.some(({ keys }) => keys?.split(' ').includes(messageId)),
        WITHIN,
      );
      const trace = traces.messages.find(({ keys }) => keys?.includes(messageId));
      expect(trace?.body.toString().split('\u0001').slice(0, 1)).toEqual(['Pub']);
    });
  });
});
