import { eventually, uniqueName } from '@dt/testkit';
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rocketmq } from '../wire.ts';
import { JavaClient, type OutgoingMessage } from '../foreign/java-client.ts';
import { openTarget, Stage, type Target, targets } from '../foreign/stage.ts';

const WITHIN = { timeoutMs: 45_000 };
const sorted = <T>(values: readonly T[]): T[] => [...values].sort();

/** Texts, bytes, what both kinds compress by themselves and what cannot be compressed. */
const bodies = {
  short: Buffer.from('a'),
  text: Buffer.from('ünï — 漢字 🐉'),
  bytes: Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
  long: Buffer.from('compressible '.repeat(8000)),
  random: randomBytes(100_000),
};
const properties = { region: 'eu', 'with space': 'ä = ö; 1' };

function messagesFor(topic: string): (OutgoingMessage & { keys: [string, string]; body: Buffer })[] {
  return Object.entries(bodies).map(([name, body]) => ({
    ...{ topic, body, tag: `tag-${name}`, keys: [name, `${name}-2`], properties },
  }));
}

// A cluster that runs elsewhere has other times, and Java may not be here.
describe.skipIf(rocketmq.external)('the Java client and ours', () => {
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

    test.each(['as Java has it', 'ZLIB', 'LZ4', 'ZSTD'])(
      'bodies, keys, tags and properties of Java come to ours (%s)',
      async (compress) => {
        await using stage = open();
        const topic = await stage.topic(2);
        const consumer = await stage.consumer({ topic });
        const producer = await stage.javaProducer(
          compress === 'as Java has it' ? {} : { compress, compressFromBytes: 4096 },
        );
        for (const message of messagesFor(topic)) {
          const sent = await producer.send(message);
          const got = await eventually(
            () => consumer.messages.find(({ messageId }) => messageId === sent.messageId),
            WITHIN,
          );
          const { keys, tag } = message;
          expect(got).toMatchObject({ topic, keys, tag, properties, offsetMessageId: sent.offsetMessageId });
          expect(got.queue.queueId).toBe(sent.queueId);
          expect(got.body.equals(message.body)).toBe(true);
        }
      },
    );

    test('bodies, keys, tags and properties of ours come to Java, with ids that tell when', async () => {
      await using stage = open();
      const topic = await stage.topic(2);
      const consumer = await stage.javaConsumer({ topic });
      const producer = await stage.producer();
      for (const message of messagesFor(topic)) {
        const sent = await producer.send(message);
        const got = await eventually(
          () => consumer.messages.find(({ messageId }) => messageId === sent.messageId),
          WITHIN,
        );
        expect(got).toMatchObject({ topic, keys: message.keys.join(' '), tag: message.tag, properties });
        expect([got.queueId, got.queueOffset]).toEqual([sent.queue.queueId, sent.queueOffset]);
        expect(got.body.equals(message.body)).toBe(true);
        expect(Math.abs((await java.timeOfId(sent.messageId)) - got.bornTimestamp)).toBeLessThan(1000);
      }
    });

    test('batches of one kind come to the other, and both read the same ids', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const ours = await stage.consumer({ topic });
      const theirs = await stage.javaConsumer({ topic });
      const batchOf = (kind: string): OutgoingMessage[] =>
        Array.from({ length: 5 }, (_, n) => ({ topic, body: `${kind} ${n}`, keys: [`k${n}`], tag: 'a' }));
      const sent = await (await stage.producer()).sendBatch(batchOf('ours'));
      await (await stage.javaProducer()).sendBatch(batchOf('java'));
      await eventually(() => ours.messages.length >= 10 && theirs.messages.length >= 10, WITHIN);
      expect(ours.bodies).toEqual([...batchOf('ours'), ...batchOf('java')].map(({ body }) => body));
      const inOurs = ours.messages.map((message) => [
        ...[message.queueOffset, message.messageId, message.body.toString()],
        ...[message.keys.join(' '), message.tag],
      ]);
      const inTheirs = theirs.messages.map((message) => [
        ...[message.queueOffset, message.messageId, message.body.toString()],
        ...[message.keys, message.tag],
      ]);
      expect(inTheirs.sort((a, b) => Number(a[0]) - Number(b[0]))).toEqual(inOurs);
      expect(sent.map((outcome) => outcome.ok && outcome.result.messageId)).toEqual(
        ours.messages.slice(0, 5).map(({ messageId }) => messageId),
      );
    });

    test('both kinds send a sharding key to the same queue', async () => {
      await using stage = open();
      const topic = await stage.topic(7);
      const [ours, theirs] = [await stage.producer(), await stage.javaProducer()];
      // The hash of the last one is the smallest there is, which has no absolute value.
      for (const shardingKey of ['player-7', '漢字', 'k 1', 'zzzzzzzz', 'polygenelubricants']) {
        const message = { topic, body: shardingKey, shardingKey };
        const { queue } = await ours.send(message);
        expect(await theirs.send(message, 'sendByKey')).toMatchObject({ queueId: queue.queueId });
      }
    });

    test('delayed messages, and messages for a time, come to the other kind when it is time', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const ours = await stage.consumer({ topic });
      const theirs = await stage.javaConsumer({ topic });
      const start = Date.now();
      const deliverAt = start + 3000;
      const [producer, javaProducer] = [await stage.producer(), await stage.javaProducer()];
      await producer.send({ topic, body: 'ours by level', delayLevel: 1 });
      await javaProducer.send({ topic, body: 'java by level', delayLevel: 1 });
      await producer.send({ topic, body: 'ours by time', deliverAt });
      await javaProducer.send({ topic, body: 'java by time', deliverAt });
      await eventually(() => ours.messages.length >= 4 && theirs.messages.length >= 4, WITHIN);
      const storedAt = new Map(
        theirs.messages.map((message) => [message.body.toString(), message.storeTimestamp]),
      );
      for (const kind of ['ours', 'java']) {
        expect(storedAt.get(`${kind} by level`)).toBeGreaterThanOrEqual(start + 1000);
        expect(storedAt.get(`${kind} by time`)).toBeGreaterThanOrEqual(deliverAt - 1000);
      }
      expect(sorted(ours.bodies)).toEqual(sorted([...storedAt.keys()]));
    });

    test('a transaction that Java left open is ended by ours, once Java has gone', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const group = uniqueName('producer');
      const consumer = await stage.javaConsumer({ topic });
      const before = await stage.javaProducer({ group, checker: 'UNKNOW' });
      const yes = await before.sendInTransaction({ topic, body: 'yes', tag: 'a', keys: ['k'] }, 'UNKNOW');
      await before.sendInTransaction({ topic, body: 'no' }, 'UNKNOW');
      await before.close();
      const asked: unknown[] = [];
      await stage.transactionProducer({
        group,
        checker: async ({ body, messageId, tag, keys }) => {
          asked.push({ body: body.toString(), messageId, tag, keys });
          return body.toString() === 'yes' ? 'commit' : 'rollback';
        },
      });
      await eventually(() => consumer.calls.length >= 1 && asked.length >= 2, WITHIN);
      expect(asked).toContainEqual({ body: 'yes', messageId: yes.messageId, tag: 'a', keys: ['k'] });
      expect(consumer.messages).toMatchObject([{ topic, messageId: yes.messageId, tag: 'a', keys: 'k' }]);
    });

    test('a transaction that ours left open is ended by Java, once ours has gone', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const group = uniqueName('producer');
      const consumer = await stage.consumer({ topic });
      const before = await stage.transactionProducer({ group, checker: async () => 'unknown' });
      const sent = await before.sendInTransaction(
        { topic, body: 'yes', tag: 'a', keys: 'k' },
        async () => 'unknown',
      );
      await before.close();
      const after = await stage.javaProducer({ group, checker: 'COMMIT_MESSAGE', topics: [topic] });
      await eventually(() => consumer.messages.length >= 1, WITHIN);
      expect(consumer.messages).toMatchObject([{ topic, messageId: sent.messageId, tag: 'a', keys: ['k'] }]);
      expect(after.checked[0]).toMatchObject({
        properties: { UNIQ_KEY: sent.messageId, TAGS: 'a', KEYS: 'k' },
      });
    });

    test('what Java sent back comes to ours, with the count of its deliveries', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const group = uniqueName('group');
      const { messageId } = await (await stage.producer()).send({ topic, body: 'x', tag: 'a', keys: 'k' });
      const failing = await stage.javaConsumer({ topic, group, failures: 99 });
      await eventually(() => failing.calls.length >= 1, WITHIN);
      await failing.close();
      const consumer = await stage.consumer({ topic, group });
      await eventually(() => consumer.messages.length >= 1, WITHIN);
      expect(consumer.messages).toMatchObject([
        { topic, messageId, tag: 'a', keys: ['k'], reconsumeTimes: failing.calls.length },
      ]);
    });

    test('what ours sent back comes to Java, with the count of its deliveries', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const group = uniqueName('group');
      const { messageId } = await (
        await stage.javaProducer()
      ).send({ topic, body: 'x', tag: 'a', keys: ['k'] });
      const failing = await stage.consumer({ topic, group, failures: 99 });
      await eventually(() => failing.messages.length >= 1, WITHIN);
      await failing.close();
      const consumer = await stage.javaConsumer({ topic, group });
      await eventually(() => consumer.calls.length >= 1, WITHIN);
      expect(consumer.messages).toMatchObject([
        { topic, messageId, tag: 'a', keys: 'k', reconsumeTimes: failing.messages.length },
      ]);
    });

    test('each kind finds the dead letters of the other', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const [ours, theirs] = [uniqueName('group'), uniqueName('group')];
      const { messageId } = await (await stage.producer()).send({ topic, body: 'x', tag: 'a', keys: 'k' });
      const always = { topic, failures: 99, maxReconsumeTimes: 1 };
      const failing = await stage.consumer({ ...always, group: ours });
      const javaFailing = await stage.javaConsumer({ ...always, group: theirs });
      await eventually(() => failing.messages.length >= 2 && javaFailing.calls.length >= 2, WITHIN);
      const ofOurs = await stage.javaConsumer({ topic: `%DLQ%${ours}` });
      const ofJava = await stage.consumer({ topic: `%DLQ%${theirs}` });
      await eventually(() => ofOurs.calls.length >= 1 && ofJava.messages.length >= 1, WITHIN);
      const dead = { messageId, tag: 'a', properties: { RETRY_TOPIC: topic } };
      expect(ofOurs.messages).toMatchObject([{ ...dead, keys: 'k' }]);
      expect(ofJava.messages).toMatchObject([{ ...dead, keys: ['k'] }]);
      for (const { messages } of [failing, javaFailing])
        expect(messages.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 1]);
    });

    test('each kind answers the requests of the other', async () => {
      await using stage = open();
      const [askedOfJava, askedOfOurs] = [await stage.topic(1), await stage.topic(1)];
      const [producer, javaProducer] = [await stage.producer(), await stage.javaProducer()];
      await stage.javaConsumer({ topic: askedOfJava, replies: true });
      await stage.consumer({ topic: askedOfOurs }, async (messages) => {
        for (const message of messages) await producer.reply(message, `${message.body.toString()}!`);
      });
      const byJava = await producer.request({ topic: askedOfJava, body: 'ä' }, { timeoutMs: 30_000 });
      expect(byJava.body.toString()).toBe('ää');
      const byOurs = await javaProducer.request({ topic: askedOfOurs, body: 'ö' }, 30_000);
      expect(byOurs.body.toString()).toBe('ö!');
    });

    test('topics and groups of a namespace are the same to both', async () => {
      await using stage = open();
      const namespace = 'MQ_INST_1';
      const topic = uniqueName('topic');
      const admin = await stage.admin();
      await admin.createTopic({ topic: `${namespace}%${topic}`, readQueueNums: 1, writeQueueNums: 1 });
      const ours = await stage.consumer({ topic, namespace });
      const theirs = await stage.javaConsumer({ topic, namespace });
      await (await stage.producer({ namespace })).send({ topic, body: 'ours' });
      await (await stage.javaProducer({ namespace })).send({ topic, body: 'java' });
      await eventually(() => ours.messages.length >= 2 && theirs.messages.length >= 2, WITHIN);
      expect(sorted(ours.bodies)).toEqual(['java', 'ours']);
      expect(sorted(theirs.bodies)).toEqual(['java', 'ours']);
      for (const message of [...ours.messages, ...theirs.messages]) expect(message.topic).toBe(topic);
    });

    test('traces of both kinds are alike', async () => {
      await using stage = open();
      const topic = await stage.topic(1);
      const traces = await stage.consumer({ topic: 'RMQ_SYS_TRACE_TOPIC' });
      const message = { topic, body: 'traced', tag: 'a', keys: ['k'] };
      const group = uniqueName('group');
      const options = { topic, group, expression: 'a' };
      const kinds = {
        ours: await (await stage.producer({ messageTrace: true })).send(message),
        java: await (await stage.javaProducer({ trace: true })).send(message),
      };
      await stage.javaConsumer({ ...options, trace: true });
      await stage.consumer({ ...options, group: uniqueName('group'), messageTrace: true });
      /** The kind of each record about a message and how many fields it has. */
      const shapes = (messageId: string): string[] =>
        traces.messages
          .flatMap(({ body }) => body.toString().split('\u0002'))
          .filter((record) => record.includes(messageId))
          .map((record) => record.split('\u0001'))
          .map(([kind, ...fields]) => `${kind} ${fields.length}`);
      await eventually(() => {
        for (const { messageId } of Object.values(kinds))
          expect(shapes(messageId).length).toBeGreaterThanOrEqual(5);
        return true;
      }, WITHIN);
      expect(sorted(shapes(kinds.ours.messageId))).toEqual(sorted(shapes(kinds.java.messageId)));
    });
  });
});
