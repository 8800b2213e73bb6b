import { PopConsumer, type PoppedMessage, Producer } from '@dt/rocketmq-client';
import { eventually, protocol, RawConnection, uniqueName } from '@dt/testkit';
import { describe, test } from 'vitest';
import { store } from './pop.ts';
import { createTopic, readQueue, startAdmin } from './support.ts';
import { commands, done, rocketmq } from './wire.ts';

type Options = ConstructorParameters<typeof PopConsumer>[0];

async function startPop(topic: string, options: Partial<Options> = {}): Promise<PopConsumer> {
  const consumer = new PopConsumer({
    nameServers: rocketmq.nameServer,
    group: uniqueName('group'),
    subscriptions: [{ topic, expression: '*' }],
    from: 'first',
    ...options,
  });
  await consumer.start();
  return consumer;
}

async function topicWith(bodies: readonly string[], tag?: (body: string) => string): Promise<string> {
  const topic = await createTopic(1);
  await using broker = await RawConnection.open(rocketmq.brokerAddress);
  await store(broker, topic, bodies, tag);
  return topic;
}

const queueAt = (queues: readonly protocol.MessageQueue[], queueId: number): protocol.MessageQueue => {
  const queue = queues.find((candidate) => candidate.queueId === queueId);
  if (queue === undefined) throw new Error(`no queue ${queueId}`);
  return queue;
};

const bodiesOf = (messages: readonly PoppedMessage[]): string[] =>
  messages.map(({ body }) => body.toString());

async function popAll(consumer: PopConsumer, count: number): Promise<PoppedMessage[]> {
  const messages: PoppedMessage[] = [];
  await eventually(
    async () => {
      messages.push(...(await consumer.pop({ waitMs: 500 })));
      return messages.length >= count;
    },
    { what: `${count} popped messages`, timeoutMs: 30_000 },
  );
  return messages;
}

// Several of these wait for messages that come again: they wait together.
describe.concurrent('a pop consumer', () => {
  test('never sees again what it acknowledged, but all else', async ({ expect }) => {
    const all = Array.from({ length: 40 }, (_, i) => String(i));
    const topic = await topicWith(all);
    await using consumer = await startPop(topic, { invisibleMs: 3000 });
    const messages = await popAll(consumer, all.length);
    expect(bodiesOf(messages)).toEqual(all);
    expect(messages[0]).toMatchObject({ topic, queue: { topic, queueId: 0 }, reconsumeTimes: 0 });
    const kept = messages.filter(({ body }) => body.toString().endsWith('7'));
    await consumer.ack(messages.filter((message) => !kept.includes(message)));

    const again = await popAll(consumer, kept.length);
    expect(bodiesOf(again).sort()).toEqual(bodiesOf(kept).sort());
    for (const message of again) {
      expect(message).toMatchObject({ topic, reconsumeTimes: 1 });
      expect(message.queue.topic).toMatch(/^%RETRY%/);
    }
    await consumer.ack(again);
    await expect(consumer.ack(messages)).rejects.toMatchObject({
      code: 'receipt-expired',
      outcome: 'unknown',
    });
    await expect(consumer.changeInvisible(kept[0] as PoppedMessage, 1000)).rejects.toMatchObject({
      code: 'receipt-expired',
    });
  });

  test('gives a message back sooner or later than was said', async ({ expect }) => {
    const topic = await topicWith(['soon', 'late']);
    await using consumer = await startPop(topic, { invisibleMs: 4000 });
    const [soon, late] = (await popAll(consumer, 2)) as [PoppedMessage, PoppedMessage];
    const before = soon.receipt;
    await consumer.changeInvisible(soon, 500);
    expect(soon.receipt).not.toBe(before);
    await consumer.changeInvisible(late, 60_000);
    expect(late.invisibleUntil).toBeGreaterThan(Date.now() + 50_000);
    const again = await popAll(consumer, 1);
    expect(bodiesOf(again)).toEqual(['soon']);
    await consumer.ack([...again, late]);
  });

  test('tries a failed message again, and in the end makes it a dead letter', async ({ expect }) => {
    const topic = await topicWith(['good', 'bad']);
    const group = uniqueName('group');
    const calls: string[] = [];
    await using consumer = await startPop(topic, {
      group,
      // What comes again does not wake a poll that waits.
      pollMs: 1000,
      maxReconsumeTimes: 1,
      retryDelaysMs: [500],
      handler: async (message) => {
        calls.push(`${message.body.toString()} ${message.reconsumeTimes}`);
        if (message.body.toString() === 'bad') throw new Error('no');
      },
    });
    await eventually(() => calls.length >= 3, { timeoutMs: 30_000, what: 'a second delivery' });
    expect(calls.sort()).toEqual(['bad 0', 'bad 1', 'good 0']);
    await eventually(
      async () => {
        await using broker = await RawConnection.open(rocketmq.brokerAddress);
        const place = { topic: protocol.deadLetterTopic(group), queueId: 0 };
        return (await done(broker, commands.getMaxOffset, place)).offset === 1;
      },
      { timeoutMs: 20_000, what: 'a dead letter' },
    );
    const [letter] = await readQueue(protocol.deadLetterTopic(group), 0, { atLeast: 1 });
    expect(letter?.body.toString()).toBe('bad');
    await consumer.close();
    expect(calls).toHaveLength(3);
  });

  test('handles so many messages at a time, and shares them with others', async ({ expect }) => {
    const all = Array.from({ length: 60 }, (_, i) => String(i));
    const topic = await topicWith([]);
    const group = uniqueName('group');
    const handled: string[][] = [[], []];
    const running = [0, 0];
    let most = 0;
    const options = (which: 0 | 1): Partial<Options> => ({
      group,
      concurrency: 3,
      handler: async ({ body }) => {
        running[which] = (running[which] ?? 0) + 1;
        most = Math.max(most, running[which] ?? 0);
        await new Promise((resolve) => setTimeout(resolve, 20));
        handled[which]?.push(body.toString());
        running[which] = (running[which] ?? 0) - 1;
      },
    });
    await using first = await startPop(topic, options(0));
    await using second = await startPop(topic, options(1));
    expect(first.clientId).not.toBe(second.clientId);
    await using broker = await RawConnection.open(rocketmq.brokerAddress);
    await store(broker, topic, all);
    await eventually(() => handled.flat().length >= all.length, { timeoutMs: 30_000 });
    expect(handled.flat().sort()).toEqual([...all].sort());
    expect(handled[0]?.length).toBeGreaterThan(0);
    expect(handled[1]?.length).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(3);
  });

  test('tells tags apart that the broker takes for the same', async ({ expect }) => {
    // The hashes of these tags are the same.
    const topic = await topicWith(['Aa', 'BB', 'Aa'], (body) => body);
    await using consumer = await startPop(topic, { subscriptions: [{ topic, expression: 'Aa' }] });
    expect(bodiesOf(await popAll(consumer, 2))).toEqual(['Aa', 'Aa']);
  });

  test('waits as long as it is told, and not longer than it lives', async ({ expect }) => {
    const topic = await topicWith([]);
    await using consumer = await startPop(topic, { requestTimeoutMs: 1000 });
    expect(await consumer.pop({ waitMs: 0 })).toEqual([]);
    const startedAt = performance.now();
    // Longer than requests may take otherwise.
    expect(await consumer.pop({ waitMs: 1500 })).toEqual([]);
    expect(performance.now() - startedAt).toBeGreaterThan(1400);
    const abort = new AbortController();
    const aborted = consumer.pop({ signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    const waiting = consumer.pop();
    const closing = performance.now();
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'closed' }), consumer.close()]);
    expect(performance.now() - closing).toBeLessThan(5000);
  });

  test('is an iterator that ends with it', async ({ expect }) => {
    const topic = await topicWith(['a', 'b', 'c']);
    await using consumer = await startPop(topic);
    const seen: string[] = [];
    for await (const message of consumer) {
      seen.push(message.body.toString());
      await consumer.ack(message);
      if (seen.length === 3) void consumer.close();
    }
    expect(seen).toEqual(['a', 'b', 'c']);
  });
});

describe.concurrent('a pop consumer that keeps the order', () => {
  const inOrder = { order: true, pollMs: 1000 };

  test('is given nothing of a queue before what it has of it is done', async ({ expect }) => {
    const topic = await topicWith(['a', 'b', 'c', 'd']);
    const group = uniqueName('group');
    await using consumer = await startPop(topic, { ...inOrder, group });
    await using other = await startPop(topic, { ...inOrder, group });
    const pair = await consumer.pop({ maxMessages: 2 });
    expect(bodiesOf(pair)).toEqual(['a', 'b']);
    expect(await other.pop({ waitMs: 1500 })).toEqual([]);
    await consumer.ack(pair);
    const [c] = await other.pop({ maxMessages: 1, waitMs: 10_000 });
    expect(c?.body.toString()).toBe('c');
    // Given back: the same again, counted.
    await other.changeInvisible(c as PoppedMessage, 500);
    const rest = await popAll(consumer, 1);
    expect(bodiesOf(rest).slice(0, 1)).toEqual(['c']);
    expect(rest[0]).toMatchObject({ topic, queue: { topic }, reconsumeTimes: 1 });
    await consumer.ack(rest);
  });

  test('handles the messages of a queue one after the other, whoever has it, and passes by none that fails', async ({
    expect,
  }) => {
    const topic = await createTopic(2);
    await using producer = new Producer({ nameServers: rocketmq.nameServer, group: uniqueName('producer') });
    await producer.start();
    for (let n = 0; n < 12; n++) {
      for (const queueId of [0, 1]) {
        const body = `${queueId} ${n}`;
        await producer.send({ topic, body }, { selectQueue: (queues) => queueAt(queues, queueId) });
      }
    }
    const group = uniqueName('group');
    const calls: string[][] = [[], []];
    const running = [0, 0];
    let most = 0;
    const handler: Options['handler'] = async ({ body, queue: { queueId }, reconsumeTimes }) => {
      running[queueId] = (running[queueId] ?? 0) + 1;
      most = Math.max(most, running[queueId] ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running[queueId] = (running[queueId] ?? 0) - 1;
      const text = body.toString();
      calls[queueId]?.push(text);
      if (text === '0 5' && reconsumeTimes === 0) throw new Error('not yet');
    };
    const options = { ...inOrder, group, handler, retryDelaysMs: [500], batchSize: 8 };
    await using first = await startPop(topic, options);
    await using second = await startPop(topic, options);
    await eventually(() => calls[0]?.length === 13 && calls[1]?.length === 12, { timeoutMs: 40_000 });
    const numbers = Array.from({ length: 12 }, (_, n) => n);
    expect(calls[0]).toEqual([...numbers.slice(0, 6), 5, ...numbers.slice(6)].map((n) => `0 ${n}`));
    expect(calls[1]).toEqual(numbers.map((n) => `1 ${n}`));
    expect(most).toBe(1);
    await Promise.all([first.close(), second.close()]);
    expect(calls.flat()).toHaveLength(25);
  });

  test('gives up a message that fails too often, and goes on behind it', async ({ expect }) => {
    const topic = await topicWith(['bad', 'good']);
    const group = uniqueName('group');
    const calls: string[] = [];
    await using consumer = await startPop(topic, {
      ...{ ...inOrder, group, maxReconsumeTimes: 1, retryDelaysMs: [300] },
      handler: async ({ body, reconsumeTimes }) => {
        calls.push(`${body.toString()} ${reconsumeTimes}`);
        if (body.toString() === 'bad') throw new Error('no');
      },
    });
    await eventually(() => calls.length >= 3, { timeoutMs: 30_000 });
    await consumer.close();
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['bad', 'bad', 'good']);
    expect(calls.slice(0, 2)).toEqual(['bad 0', 'bad 1']);
    const [letter] = await readQueue(protocol.deadLetterTopic(group), 0, { atLeast: 1 });
    expect(letter?.body.toString()).toBe('bad');
  });
});

describe('groups that pop', () => {
  test('are seen, switched and given queues by the admin client', async ({ expect }) => {
    const admin = await startAdmin();
    const topic = await createTopic(4);
    const group = uniqueName('group');
    await using consumer = await startPop(topic, { group });
    const connections = await eventually(() => admin.consumerConnections(group));
    expect(connections).toMatchObject({ consumeType: 'CONSUME_POP', messageModel: 'CLUSTERING' });
    const assignment = async (): Promise<string[] | undefined> =>
      (await admin.queryAssignment(group, topic, consumer.clientId))?.map(
        ({ queue, mode }) => `${mode} ${queue.queueId}`,
      );
    await eventually(async () => (await assignment())?.length === 4, { timeoutMs: 40_000 });
    expect((await assignment())?.sort()).toEqual(['PULL 0', 'PULL 1', 'PULL 2', 'PULL 3']);
    await admin.setMessageRequestMode(group, topic, 'POP');
    expect(await assignment()).toEqual(['POP -1']);
  });
});
