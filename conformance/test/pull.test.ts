import { protocol, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import {
  ask,
  awaitStored,
  commands,
  done,
  makeTopic,
  openBroker,
  pullRequest,
  ResponseCode,
  sendRequest,
} from './wire.ts';

const { SUBSCRIPTION, SUSPEND } = protocol.PullSysFlag;

describe('a pull', () => {
  test('behind the end says where the end is', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 2);
    for (const body of ['a', 'b', 'c']) await done(broker, commands.sendMessageV2, sendRequest(topic, body));
    await awaitStored(broker, topic, 0, 3);
    const pull = (queueOffset: number, queueId = 0) =>
      ask(broker, commands.pullMessage, pullRequest(topic, { queueOffset, queueId }));

    const atEnd = await pull(3);
    expect(atEnd.code).toBe(ResponseCode.PULL_NOT_FOUND);
    expect(atEnd.response()).toMatchObject({ nextBeginOffset: 3, minOffset: 0, maxOffset: 3 });
    const behind = await pull(7);
    expect(behind.code).toBe(ResponseCode.PULL_OFFSET_MOVED);
    expect(behind.response()).toMatchObject({ nextBeginOffset: 3, maxOffset: 3 });
    const empty = await pull(0, 1);
    expect(empty.code).toBe(ResponseCode.PULL_NOT_FOUND);
    expect(empty.response()).toMatchObject({ nextBeginOffset: 0, maxOffset: 0 });
    const emptyBehind = await pull(5, 1);
    expect(emptyBehind.code).toBe(ResponseCode.PULL_OFFSET_MOVED);
    expect(emptyBehind.response()).toMatchObject({ nextBeginOffset: 0 });
  });

  test('gives no more messages than asked, and at least one however large', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 2);
    for (let i = 0; i < 10; i++) await done(broker, commands.sendMessageV2, sendRequest(topic, String(i)));
    await awaitStored(broker, topic, 0, 10);
    const three = await done(broker, commands.pullMessage, pullRequest(topic, { maxMsgNums: 3 }));
    expect(protocol.decodeStoredMessages(three.body).map(({ body }) => body.toString())).toEqual([
      '0',
      '1',
      '2',
    ]);
    expect(three.nextBeginOffset).toBe(3);

    const large = Buffer.alloc(1_000_000, 'x');
    for (let i = 0; i < 3; i++)
      await done(broker, commands.sendMessageV2, sendRequest(topic, large, { queueId: 1 }));
    await awaitStored(broker, topic, 1, 3);
    const one = await done(broker, commands.pullMessage, pullRequest(topic, { queueId: 1 }));
    expect(protocol.decodeStoredMessages(one.body)).toHaveLength(1);
    expect(one.nextBeginOffset).toBe(1);
  });

  test('passes by what its tags do not want', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    for (let i = 0; i < 6; i++) {
      const properties = protocol.encodeProperties({ TAGS: i === 3 ? 'red' : 'blue' });
      await done(broker, commands.sendMessageV2, sendRequest(topic, String(i), { properties }));
    }
    await awaitStored(broker, topic, 0, 6);
    const red = await done(broker, commands.pullMessage, pullRequest(topic, { subscription: 'red' }));
    expect(protocol.decodeStoredMessages(red.body).map(({ queueOffset }) => queueOffset)).toEqual([3]);
    expect(red.nextBeginOffset).toBe(6);
    const none = await ask(broker, commands.pullMessage, pullRequest(topic, { subscription: 'green' }));
    expect(none.code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(none.response().nextBeginOffset).toBe(6);
  });

  test('of what does not exist or may not be read is refused', async () => {
    const broker = await openBroker();
    const nowhere = await ask(broker, commands.pullMessage, pullRequest(uniqueName('nowhere')));
    expect(nowhere.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
    const topic = await makeTopic(broker, 1);
    const noQueue = await ask(broker, commands.pullMessage, pullRequest(topic, { queueId: 1 }));
    expect(noQueue.code).toBe(ResponseCode.SYSTEM_ERROR);
    const unreadable = await ask(broker, commands.pullMessage, pullRequest(await makeTopic(broker, 1, 2)));
    expect(unreadable.code).toBe(ResponseCode.NO_PERMISSION);
  });

  test('that may wait is answered by the next message it wants', async () => {
    const broker = await openBroker();
    const other = await openBroker();
    const topic = await makeTopic(broker, 1);
    const waiting = broker.request(
      protocol.RequestCode.PULL_MESSAGE,
      commands.pullMessage.encodeRequest(
        pullRequest(topic, {
          sysFlag: SUSPEND | SUBSCRIPTION,
          suspendTimeoutMillis: 10_000,
          subscription: 'red',
        }),
      ),
      { timeoutMs: 16_000 },
    );
    const send = (tag: string) =>
      done(
        other,
        commands.sendMessageV2,
        sendRequest(topic, tag, { properties: protocol.encodeProperties({ TAGS: tag }) }),
      );
    // Another request on the same connection is not held up by the one that waits.
    await done(broker, commands.getMaxOffset, { topic, queueId: 0 });
    await send('blue');
    await send('red');
    const answer = await waiting;
    expect(answer.code).toBe(ResponseCode.SUCCESS);
    const { body, nextBeginOffset } = commands.pullMessage.decodeResponse(answer);
    expect(protocol.decodeStoredMessages(body).map((message) => message.body.toString())).toEqual(['red']);
    expect(nextBeginOffset).toBe(2);
  });

  test('that has waited for nothing is answered "nothing new", not before its time', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const start = performance.now();
    const { code, response } = await ask(
      broker,
      commands.pullMessage,
      pullRequest(topic, { sysFlag: SUSPEND | SUBSCRIPTION, suspendTimeoutMillis: 1000 }),
      { timeoutMs: 10_000 },
    );
    const tookMs = performance.now() - start;
    expect(code).toBe(ResponseCode.PULL_NOT_FOUND);
    expect(response().nextBeginOffset).toBe(0);
    // A broker may look at its waiting requests only every 5 seconds.
    expect(tookMs).toBeGreaterThanOrEqual(990);
    expect(tookMs).toBeLessThan(7000);
  });
});

describe('the offsets of a queue', () => {
  test('are 0 for a queue that does not exist', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    expect(await done(broker, commands.getMaxOffset, { topic, queueId: 5 })).toEqual({ offset: 0 });
    expect(await done(broker, commands.getMinOffset, { topic, queueId: 5 })).toEqual({ offset: 0 });
  });

  test('are found by time', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 2);
    for (let i = 0; i < 3; i++) {
      await done(broker, commands.sendMessageV2, sendRequest(topic, String(i)));
      // Store times must differ.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await awaitStored(broker, topic, 0, 3);
    const { body } = await done(broker, commands.pullMessage, pullRequest(topic));
    const times = protocol.decodeStoredMessages(body).map(({ storeTimestamp }) => storeTimestamp);
    const search = async (
      timestamp: number,
      boundaryType?: 'LOWER' | 'UPPER',
      queueId = 0,
    ): Promise<number> =>
      (await done(broker, commands.searchOffsetByTimestamp, { topic, queueId, timestamp, boundaryType }))
        .offset;
    expect(await search(0)).toBe(0);
    expect(await search((times[1] ?? 0) - 1)).toBe(1);
    expect(await search(times[1] ?? 0)).toBe(1);
    expect(await search((times[1] ?? 0) + 1)).toBe(2);
    expect(await search((times[2] ?? 0) + 1000)).toBe(3);
    expect(await search((times[2] ?? 0) + 1000, 'UPPER')).toBe(2);
    expect(await search(times[1] ?? 0, 'UPPER')).toBe(1);
    expect(await search(Date.now(), 'LOWER', 1)).toBe(0);
  });
});
