import { eventually, protocol, RawConnection, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { ack, ackRequest, askPop, bodies, pop, popSoon, popTopic, store, type Popped } from './pop.ts';
import {
  ask,
  awaitStored,
  commands,
  done,
  makeTopic,
  openBroker,
  readQueue,
  ResponseCode,
  rocketmq,
  sendRequest,
} from './wire.ts';

describe('a pop', () => {
  test('gives messages to one only, and tells where they are', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a', 'b', 'c']);
    const { code, remark, response } = await askPop(broker, topic, group, { maxMsgNums: 2 });
    expect([code, remark]).toEqual([ResponseCode.SUCCESS, 'FOUND']);
    expect(response()).toMatchObject({
      ...{ invisibleTime: 60_000, restNum: 1, startOffsetInfo: '0 0 0', msgOffsetInfo: '0 0 0,1' },
    });
    expect(response().popTime).toBeGreaterThan(0);
    expect(response().reviveQid).toBeGreaterThanOrEqual(0);
    const messages = protocol.decodeStoredMessages(response().body);
    expect(bodies(messages)).toEqual(['a', 'b']);
    expect(messages[0]).toMatchObject({ topic, queueId: 0, queueOffset: 0, reconsumeTimes: 0 });
    expect(messages[0]?.properties).not.toHaveProperty('POP_CK');

    expect(bodies(await pop(broker, topic, group))).toEqual(['c']);
    expect(await pop(broker, topic, group)).toEqual([]);
    // Another group has everything before it.
    expect(bodies(await pop(broker, topic, uniqueName('group')))).toEqual(['a', 'b', 'c']);
  });

  test('shares the queues among all who ask', async () => {
    await using first = await RawConnection.open(rocketmq.brokerAddress);
    await using second = await RawConnection.open(rocketmq.brokerAddress);
    const all = Array.from({ length: 60 }, (_, i) => String(i));
    const { topic, group } = await popTopic(first, all);
    const given = new Map([first, second].map((broker) => [broker, [] as string[]]));
    await Promise.all(
      [...given].map(async ([broker, got]) => {
        await eventually(async () => {
          got.push(...bodies(await pop(broker, topic, group, { maxMsgNums: 5 })));
          return [...given.values()].flat().length >= all.length;
        });
      }),
    );
    expect([...given.values()].flat().sort()).toEqual([...all].sort());
    for (const got of given.values()) expect(got.length).toBeGreaterThan(0);
  });

  test('waits for a message, and says when none came in time', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, []);
    const startedAt = performance.now();
    const late = await askPop(broker, topic, group, { pollTime: 600 });
    expect([late.code, late.remark]).toEqual([ResponseCode.POLLING_TIMEOUT, 'NO_MESSAGE_IN_QUEUE']);
    expect(late.response()).toMatchObject({ restNum: 0, invisibleTime: 60_000 });
    expect(performance.now() - startedAt).toBeGreaterThan(500);
    expect(performance.now() - startedAt).toBeLessThan(3000);

    const waiting = pop(broker, topic, group, { pollTime: 5000 });
    await eventually(async () => (await polling(broker, topic, group)) === 1);
    await using producer = await RawConnection.open(rocketmq.brokerAddress);
    await store(producer, topic, ['x']);
    expect(bodies(await waiting)).toEqual(['x']);
    expect(await polling(broker, topic, group)).toBe(0);

    // A pop that was on its way for too long is not even looked at.
    const bornTime = Date.now() - 10_000;
    const old = await askPop(broker, topic, group, { pollTime: 1000, bornTime });
    expect(old.code).toBe(ResponseCode.POLLING_TIMEOUT);
    expect(old.remark).toMatch(/pop message is timeout too much$/);
    expect(old.response()).toMatchObject({ popTime: 0, invisibleTime: 0, reviveQid: 0, restNum: 0 });
  });

  test('for tags passes by what it does not want', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a1', 'b1', 'a2', 'b2', 'a3'], {
      tag: (body) => body.slice(0, 1),
    });
    const { response } = await askPop(broker, topic, group, { exp: 'a' });
    expect(bodies(protocol.decodeStoredMessages(response().body))).toEqual(['a1', 'a2', 'a3']);
    expect(response()).toMatchObject({ startOffsetInfo: '0 0 0', msgOffsetInfo: '0 0 0,2,4', restNum: 0 });
    expect(await pop(broker, topic, group, { exp: '*' })).toEqual([]);

    // Only what it wants wakes it.
    const other = uniqueName('group');
    await pop(broker, topic, other, { exp: 'c' });
    const waiting = pop(broker, topic, other, { exp: 'c', pollTime: 5000 });
    await eventually(async () => (await polling(broker, topic, other)) === 1);
    await using producer = await RawConnection.open(rocketmq.brokerAddress);
    await store(producer, topic, ['d1', 'c1'], (body) => body.slice(0, 1));
    expect(bodies(await waiting)).toEqual(['c1']);
  });

  test('for properties passes by what it does not want', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, []);
    for (const amount of ['5', '50', '7', '70']) {
      const properties = protocol.encodeProperties({ amount });
      await done(broker, commands.sendMessageV2, sendRequest(topic, amount, { properties }));
    }
    await awaitStored(broker, topic, 0, 4);
    const large = { exp: 'amount > 10', expType: 'SQL92' };
    expect(bodies(await pop(broker, topic, group, large))).toEqual(['50', '70']);
    const wrong = await askPop(broker, topic, group, { ...large, exp: 'amount >' });
    expect([wrong.code, wrong.remark]).toEqual([
      ResponseCode.SUBSCRIPTION_PARSE_FAILED,
      "parse the consumer's subscription failed",
    ]);
  });

  test('of one queue leaves the others alone', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a'], { queues: 2 });
    expect(await pop(broker, topic, group, { queueId: 1 })).toEqual([]);
    expect(bodies(await pop(broker, topic, group, { queueId: 0 }))).toEqual(['a']);
  });

  test('of a new group starts at the beginning of a young queue, wherever it wants to', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a', 'b']);
    const last = await pop(broker, topic, group, { initMode: protocol.PopInitMode.MAX });
    expect(bodies(last)).toEqual(['a', 'b']);
  });

  test('goes on where its group was set to', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a', 'b', 'c']);
    const reset = (offset: number) =>
      done(broker, commands.invokeBrokerToResetOffset, {
        ...{ topic, group, timestamp: -1, isForce: true, offset, queueId: 0 },
      });
    await ack(broker, group, ...(await pop(broker, topic, group)));
    await reset(1);
    expect(bodies(await pop(broker, topic, group))).toEqual(['b', 'c']);
    expect(await pop(broker, topic, group)).toEqual([]);

    // Also where messages popped in order hold the queue.
    const inOrder = { order: true, queueId: 0 };
    await reset(2);
    expect(bodies(await pop(broker, topic, group, inOrder))).toEqual(['c']);
    expect(await pop(broker, topic, group, inOrder)).toEqual([]);
    await reset(0);
    expect(bodies(await pop(broker, topic, group, inOrder))).toEqual(['a', 'b', 'c']);
  });

  test('gives the largest message there is, once and when it comes again', async () => {
    const broker = await openBroker();
    const largest = 'x'.repeat(4 * 1024 * 1024);
    const { topic, group } = await popTopic(broker, ['small', largest]);
    const [small, ...none] = await pop(broker, topic, group, { maxMsgNums: 1, invisibleTime: 1000 });
    expect([small?.body.toString(), none]).toEqual(['small', []]);
    const [large] = await pop(broker, topic, group, { invisibleTime: 1000 });
    expect(large?.body.length).toBe(largest.length);
    if (small !== undefined) await ack(broker, group, small);
    const [again] = await popSoon(broker, topic, group, { timeoutMs: 40_000 });
    expect([again?.body.length, again?.reconsumeTimes]).toEqual([largest.length, 1]);
  });

  test('in order is given the same again when it is the same try: its answer was lost', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a', 'b', 'c']);
    const inOrder = { order: true, maxMsgNums: 2, queueId: 0, attemptId: uniqueName('try') };
    expect(bodies(await pop(broker, topic, group, inOrder))).toEqual(['a', 'b']);
    expect(bodies(await pop(broker, topic, group, inOrder))).toEqual(['a', 'b']);
    expect(await pop(broker, topic, group, { ...inOrder, attemptId: uniqueName('try') })).toEqual([]);
  });

  test('that asks for what cannot be is refused', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a']);
    const many = await askPop(broker, topic, group, { maxMsgNums: 33 });
    expect(many.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(many.remark).toMatch(/num is greater than 32$/);
    const nowhere = await askPop(broker, uniqueName('nowhere'), group);
    expect(nowhere.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const queue = await askPop(broker, topic, group, { queueId: 1 });
    expect(queue.code).toBe(ResponseCode.SYSTEM_ERROR);
    expect(queue.remark).toMatch(
      /^queueId\[1\] is illegal, topic:\[.*\] topicConfig.readQueueNums:\[1\] consumer:\[/,
    );
    const writeOnly = await makeTopic(broker, 1, 2);
    const unreadable = await askPop(broker, writeOnly, group);
    expect(unreadable.code).toBe(ResponseCode.NO_PERMISSION);
    expect(unreadable.remark).toBe(`the topic[${writeOnly}] peeking message is forbidden`);
    const expression = await askPop(broker, topic, group, { exp: '||', expType: 'TAG' });
    expect(expression.code).toBe(ResponseCode.SUBSCRIPTION_PARSE_FAILED);
    const badGroup = await askPop(broker, topic, 'not a name');
    expect(badGroup.code).toBe(ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST);
    const missing = await broker.request(commands.popMessage.code, { extFields: { topic } });
    expect(missing.code).toBe(ResponseCode.SYSTEM_ERROR);
  });

  test('moves the offset of its group, and makes no member of who asks', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a', 'b', 'c']);
    const messages = await pop(broker, topic, group, { maxMsgNums: 2 });
    await eventually(async () => {
      const request = { consumerGroup: group, topic, queueId: 0 };
      return (await done(broker, commands.queryConsumerOffset, request)).offset === 2;
    });
    await ack(broker, group, ...messages);
    const { queues } = await done(broker, commands.getConsumeStats, { consumerGroup: group, topic });
    expect(queues).toMatchObject([{ queue: { topic, queueId: 0 }, brokerOffset: 3, consumerOffset: 2 }]);
    const { clientIds } = await done(broker, commands.getConsumerListByGroup, { consumerGroup: group }).catch(
      () => ({ clientIds: [] as string[] }),
    );
    expect(clientIds).toEqual([]);
  });
});

describe('a receipt', () => {
  test('that is wrong is refused as far as a broker can tell', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a', 'b'], { queues: 2 });
    const [message] = (await pop(broker, topic, group)) as [Popped];
    const ackWith = (overrides: Parameters<typeof ackRequest>[2]) =>
      ask(broker, commands.ackMessage, ackRequest(message, group, overrides));

    expect((await ackWith({ extraInfo: 'x' })).code).toBe(ResponseCode.SYSTEM_ERROR);
    expect((await ackWith({ extraInfo: '' })).code).toBe(ResponseCode.SYSTEM_ERROR);
    expect((await ackWith({ topic: uniqueName('nowhere') })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const queue = await ackWith({ queueId: 2 });
    expect(queue.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect(queue.remark).toMatch(/^queueId\[2\] is illegal, topic:/);
    const offset = await ackWith({ offset: 9 });
    expect(offset.code).toBe(ResponseCode.NO_MESSAGE);
    expect(offset.remark).toBe(`offset is illegal, key:${topic}@0, commit:9, store:0~2`);

    const changeWith = (overrides: Parameters<typeof ackRequest>[2]) =>
      ask(broker, commands.changeMessageInvisibleTime, {
        ...ackRequest(message, group, overrides),
        invisibleTime: 1000,
      });
    expect((await changeWith({ extraInfo: 'x' })).code).toBe(ResponseCode.SYSTEM_ERROR);
    expect((await changeWith({ topic: uniqueName('nowhere') })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    expect((await changeWith({ queueId: -1 })).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    expect((await changeWith({ offset: 9 })).code).toBe(ResponseCode.NO_MESSAGE);

    // The same once more is no fault.
    await ack(broker, group, message, message);
  });

  test('of a batch that names none is refused', async () => {
    const broker = await openBroker();
    const none = await ask(broker, commands.batchAckMessage, { brokerName: 'broker-a', acks: [] });
    expect(none.code).toBe(ResponseCode.NO_MESSAGE);
    const nothing = await broker.request(commands.batchAckMessage.code);
    expect(nothing.code).toBe(ResponseCode.NO_MESSAGE);
  });
});

// Each of these waits for messages that come again: they wait together.
describe.concurrent('a message that is not acknowledged in time', () => {
  test('comes again through the retry topic, and is acknowledged there', async ({ expect }) => {
    await using broker = await RawConnection.open(rocketmq.brokerAddress);
    const { topic, group } = await popTopic(broker, ['a', 'b', 'c']);
    const first = await pop(broker, topic, group, { invisibleTime: 1000 });
    const [a, b, c] = first as [Popped, Popped, Popped];
    await ack(broker, group, a, c);
    const [again] = (await popSoon(broker, topic, group, { invisibleTime: 1000 })) as [Popped];
    expect(again.body.toString()).toBe('b');
    expect(again).toMatchObject({ topic, queueId: 0, queueOffset: 0, reconsumeTimes: 1 });
    expect(again.bornTimestamp).toBe(b.bornTimestamp);
    expect(again.handle).toMatchObject({
      retry: 'retry',
      queueId: 0,
      queueOffset: 0,
      brokerName: 'broker-a',
    });
    expect(Number(again.properties['1ST_POP_TIME'])).toBe(b.handle.popTime);
    expect(again.properties['UNIQ_KEY']).toBe(b.properties['UNIQ_KEY']);

    // The topic it was sent to is not where it lies now: such a receipt ends nothing.
    await done(broker, commands.ackMessage, ackRequest(again, group, { topic }));
    const [third] = (await popSoon(broker, topic, group)) as [Popped];
    expect(third).toMatchObject({ reconsumeTimes: 2, topic });
    expect(third.body.toString()).toBe('b');
    expect(third.properties['1ST_POP_TIME']).toBe(again.properties['1ST_POP_TIME']);
    await ack(broker, group, third);
    const retryTopic = protocol.popRetryTopic(group, topic);
    expect(bodies(await readQueue(retryTopic, 0, { atLeast: 2 }))).toEqual(['b', 'b']);
  });

  test('stays away as long as its time is changed to', async ({ expect }) => {
    await using broker = await RawConnection.open(rocketmq.brokerAddress);
    const { topic, group } = await popTopic(broker, ['soon', 'late']);
    const [soon, late] = (await pop(broker, topic, group, { invisibleTime: 2500 })) as [Popped, Popped];
    const change = (message: Popped, invisibleTime: number) =>
      done(broker, commands.changeMessageInvisibleTime, { ...ackRequest(message, group), invisibleTime });
    const sooner = await change(soon, 1000);
    expect(sooner).toMatchObject({ invisibleTime: 1000, reviveQid: soon.handle.reviveQueueId });
    expect(sooner.popTime).toBeGreaterThanOrEqual(soon.handle.popTime);
    const later = await change(late, 60_000);
    const [again] = (await popSoon(broker, topic, group)) as [Popped];
    expect(again.body.toString()).toBe('soon');
    expect(again.reconsumeTimes).toBe(1);

    // The old receipt is worth nothing now, the new one counts.
    await ack(broker, group, late);
    const handle = {
      ...late.handle,
      startOffset: late.handle.queueOffset,
      popTime: later.popTime ?? 0,
      invisibleTimeMs: later.invisibleTime ?? 0,
    };
    const receipt = protocol.encodeReceiptHandle(handle);
    const back = await change({ ...late, handle, receipt }, 1000);
    expect(back.invisibleTime).toBe(1000);
    expect(bodies(await popSoon(broker, topic, group))).toEqual(['late']);
  });

  test('is not one of those acknowledged as a batch', async ({ expect }) => {
    await using broker = await RawConnection.open(rocketmq.brokerAddress);
    const { topic, group } = await popTopic(broker, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    const messages = await pop(broker, topic, group, { invisibleTime: 1000 });
    const first = messages[0] as Popped;
    const batch = {
      consumerGroup: group,
      topic,
      retry: 'normal' as const,
      startOffset: first.handle.startOffset,
      queueId: 0,
      reviveQueueId: first.handle.reviveQueueId,
      popTime: first.handle.popTime,
      invisibleTimeMs: first.handle.invisibleTimeMs,
      offsets: [0, 1, 2, 3, 4, 5, 6, 7, 9],
    };
    await done(broker, commands.batchAckMessage, { brokerName: 'broker-a', acks: [batch] });
    const [again] = (await popSoon(broker, topic, group)) as [Popped];
    expect(again.body.toString()).toBe('8');

    await done(broker, commands.batchAckMessage, {
      brokerName: 'broker-a',
      acks: [
        {
          ...batch,
          retry: again.handle.retry,
          startOffset: again.handle.startOffset,
          reviveQueueId: again.handle.reviveQueueId,
          popTime: again.handle.popTime,
          invisibleTimeMs: again.handle.invisibleTimeMs,
          offsets: [again.handle.queueOffset - again.handle.startOffset],
        },
      ],
    });
    expect(bodies(await readQueue(protocol.popRetryTopic(group, topic), 0))).toEqual(['8']);
  });

  test('of one group is not one of another group', async ({ expect }) => {
    await using broker = await RawConnection.open(rocketmq.brokerAddress);
    const { topic, group } = await popTopic(broker, ['a']);
    const other = uniqueName('group');
    await pop(broker, topic, group, { invisibleTime: 1000 });
    await pop(broker, topic, other, { invisibleTime: 60_000 });
    expect(bodies(await popSoon(broker, topic, group))).toEqual(['a']);
    expect(await pop(broker, topic, other)).toEqual([]);
  });

  test('in order: holds its queue until all before it are done or its time is over', async ({ expect }) => {
    await using broker = await RawConnection.open(rocketmq.brokerAddress);
    const { topic, group } = await popTopic(broker, ['a', 'b', 'c']);
    const inOrder = { order: true, maxMsgNums: 2, queueId: 0 };
    const taken = await askPop(broker, topic, group, { ...inOrder, invisibleTime: 3000 });
    expect(taken.response()).toMatchObject({ reviveQid: 999, orderCountInfo: '0 0 0' });
    const pair = await askPop(broker, topic, group, inOrder);
    expect(pair.code).toBe(ResponseCode.POLLING_TIMEOUT);

    // Not done in time: the same again, counted, as they come from the queue itself.
    const again = await eventually(async () => {
      const answer = await askPop(broker, topic, group, { ...inOrder, pollTime: 500 });
      return answer.code === ResponseCode.SUCCESS && answer;
    });
    expect(bodies(protocol.decodeStoredMessages(again.response().body))).toEqual(['a', 'b']);
    expect(
      protocol
        .decodeOrderCounts(again.response().orderCountInfo)
        .sort((x, y) => (x.queueOffset ?? -1) - (y.queueOffset ?? -1)),
    ).toEqual([
      { retry: 'normal', queueId: 0, count: 1 },
      { retry: 'normal', queueId: 0, queueOffset: 0, count: 1 },
      { retry: 'normal', queueId: 0, queueOffset: 1, count: 1 },
    ]);
    const { popTime, invisibleTime, reviveQid } = again.response();
    const receipt = (queueOffset: number) => ({
      ...{ consumerGroup: group, topic, queueId: 0, offset: queueOffset },
      extraInfo: protocol.encodeReceiptHandle({
        ...{ startOffset: 0, popTime, invisibleTimeMs: invisibleTime, reviveQueueId: reviveQid },
        ...{ retry: 'normal', brokerName: 'broker-a', queueId: 0, queueOffset },
      }),
    });
    const offset = async () =>
      (await done(broker, commands.queryConsumerOffset, { consumerGroup: group, topic, queueId: 0 })).offset;

    const bad = await ask(broker, commands.ackMessage, receipt(2));
    expect(bad.code).toBe(ResponseCode.MESSAGE_ILLEGAL);
    // The second before the first: nothing moves yet.
    await done(broker, commands.ackMessage, receipt(1));
    expect(await offset()).toBe(0);
    expect(await pop(broker, topic, group, inOrder)).toEqual([]);
    const changed = await done(broker, commands.changeMessageInvisibleTime, {
      ...receipt(0),
      invisibleTime: 60_000,
    });
    expect(changed).toMatchObject({ popTime, reviveQid: 999 });
    await done(broker, commands.ackMessage, receipt(0));
    expect(await offset()).toBe(2);
    expect(bodies(await popSoon(broker, topic, group, inOrder))).toEqual(['c']);
  });
});

describe('without taking them', () => {
  test('messages can be seen', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, ['a', 'b', 'c']);
    const peek = (overrides: object = {}) =>
      ask(broker, commands.peekMessage, {
        consumerGroup: group,
        topic,
        queueId: -1,
        maxMsgNums: 2,
        ...overrides,
      });
    const seen = await peek();
    expect(seen.code).toBe(ResponseCode.SUCCESS);
    expect(bodies(protocol.decodeStoredMessages(seen.response().body))).toEqual(['a', 'b']);
    expect(seen.response().restNum).toBe(3);
    expect(bodies(await pop(broker, topic, group))).toEqual(['a', 'b', 'c']);
    await eventually(async () => (await peek()).code === ResponseCode.PULL_NOT_FOUND);
    expect((await peek({ queueId: 1 })).code).toBe(ResponseCode.SYSTEM_ERROR);
    expect((await peek({ topic: uniqueName('nowhere') })).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  test('one is told that there are some', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, []);
    const notice = (pollTime: number) =>
      ask(broker, commands.notification, {
        ...{ consumerGroup: group, topic, queueId: -1, pollTime, bornTime: Date.now() },
      });
    const none = await notice(300);
    expect([none.code, none.response()]).toEqual([0, { hasMsg: false }]);
    await store(broker, topic, ['a']);
    expect((await notice(0)).response()).toEqual({ hasMsg: true });
    await pop(broker, topic, group);
    await eventually(async () => !(await notice(0)).response().hasMsg);
    const waiting = notice(4000);
    await using producer = await RawConnection.open(rocketmq.brokerAddress);
    await store(producer, topic, ['b']);
    expect((await waiting).response()).toEqual({ hasMsg: true });
  });

  test('one learns how many pops wait', async () => {
    const broker = await openBroker();
    const { topic, group } = await popTopic(broker, []);
    expect(await polling(broker, topic, group)).toBe(0);
    const waiting = [1, 2].map(() => pop(broker, topic, group, { pollTime: 1000 }));
    await eventually(async () => (await polling(broker, topic, group)) === 2);
    expect(await Promise.all(waiting)).toEqual([[], []]);
    expect(await polling(broker, topic, group)).toBe(0);
    const request = { consumerGroup: group, topic: uniqueName('nowhere'), queueId: -1 };
    expect((await ask(broker, commands.pollingInfo, request)).code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });
});

describe('the broker shares out queues', () => {
  test('to the members of a group, one by one or, where they pop, all to all', async () => {
    const broker = await openBroker();
    await using other = await RawConnection.open(rocketmq.brokerAddress);
    const topic = await makeTopic(broker, 4);
    const group = uniqueName('group');
    const assignment = async (clientId: string, strategyName = 'AVG') => {
      const { assignments } = await done(broker, commands.queryAssignment, {
        ...{ topic, consumerGroup: group, clientId, messageModel: 'CLUSTERING' as const, strategyName },
      });
      return assignments?.map(({ queue, mode }) => `${mode} ${queue.brokerName} ${queue.queueId}`).sort();
    };
    expect(await assignment('client-1')).toBeUndefined();

    await done(broker, commands.heartBeat, heartbeat('client-1', group, topic));
    await done(other, commands.heartBeat, heartbeat('client-2', group, topic));
    // A broker learns the routes of topics by asking the NameServer now and then.
    await eventually(async () => (await assignment('client-1')) !== undefined, {
      timeoutMs: 40_000,
      intervalMs: 200,
    });
    expect(await assignment('client-1')).toEqual(['PULL broker-a 0', 'PULL broker-a 1']);
    expect(await assignment('client-2')).toEqual(['PULL broker-a 2', 'PULL broker-a 3']);
    expect(await assignment('client-2', 'AVG_BY_CIRCLE')).toEqual(['PULL broker-a 1', 'PULL broker-a 3']);
    expect(await assignment('client-3')).toEqual([]);
    expect(await assignment('client-1', 'NO_SUCH')).toBeUndefined();

    const setMode = (popShareQueueNum: number, name = topic) =>
      ask(broker, commands.setMessageRequestMode, {
        ...{ topic: name, consumerGroup: group, mode: 'POP' as const, popShareQueueNum },
      });
    expect((await setMode(-1)).code).toBe(ResponseCode.SUCCESS);
    expect(await assignment('client-1')).toEqual(['POP broker-a -1']);
    expect(await assignment('client-2')).toEqual(['POP broker-a -1']);
    const retry = await setMode(-1, protocol.retryTopic(group));
    expect([retry.code, retry.remark]).toEqual([
      ResponseCode.NO_PERMISSION,
      'retry topic is not allowed to set mode',
    ]);
  });
});

function heartbeat(clientId: string, group: string, topic: string): protocol.HeartbeatData {
  return {
    clientId,
    producerGroups: [],
    consumers: [
      {
        groupName: group,
        consumeType: 'CONSUME_PASSIVELY',
        messageModel: 'CLUSTERING',
        consumeFromWhere: 'CONSUME_FROM_FIRST_OFFSET',
        unitMode: false,
        subscriptions: [protocol.subscriptionOf(topic, '*', Date.now())],
      },
    ],
  };
}

async function polling(broker: RawConnection, topic: string, group: string): Promise<number> {
  const request = { consumerGroup: group, topic, queueId: -1 };
  return (await done(broker, commands.pollingInfo, request)).pollingNum;
}
