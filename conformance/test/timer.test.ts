import { eventually, protocol } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { createTopic, Received, startConsumer, startProducer } from './support.ts';
import { ask, commands, done, makeTopic, openBroker, readQueue, ResponseCode, sendRequest } from './wire.ts';

const DAY_MS = 24 * 3_600_000;
/** Times are cut to seconds, so a message may come so much early. */
const EARLY_MS = 1000;

type Properties = Record<string, string>;
type Broker = Awaited<ReturnType<typeof openBroker>>;

const withProperties = (
  topic: string,
  body: string,
  properties: Properties,
): ReturnType<typeof sendRequest> =>
  sendRequest(topic, body, { properties: protocol.encodeProperties(properties) });

const send = (broker: Broker, topic: string, body: string, properties: Properties): Promise<unknown> =>
  done(broker, commands.sendMessageV2, withProperties(topic, body, properties));

describe('a message for a time', () => {
  test('comes then, and not more than a second before, in the order of the times', async () => {
    const topic = await createTopic(1);
    const producer = await startProducer();
    const received = new Received();
    await startConsumer({ subscriptions: [{ topic, expression: '*' }], handler: received.handler });
    const start = Date.now();
    const deliverAt = new Date(start + 4000);
    const outcomes = await producer.sendBatch([
      { topic, body: 'later', tag: 'a', keys: 'k', deliverAt },
      { topic, body: 'sooner', delayMs: 2000 },
      { topic, body: 'past', deliverAt: start - 60_000 },
      { topic, body: 'now' },
    ]);
    expect(outcomes.every(({ ok }) => ok)).toBe(true);
    await eventually(() => received.messages.length >= 4, { timeoutMs: 30_000 });
    expect(received.bodies).toEqual(['past', 'now', 'sooner', 'later']);
    const [past, , sooner, later] = received.messages;
    expect(sooner?.storeTimestamp).toBeGreaterThanOrEqual(start + 2000 - EARLY_MS);
    expect(later?.storeTimestamp).toBeGreaterThanOrEqual(deliverAt.getTime() - EARLY_MS);
    expect(past?.properties['TIMER_OUT_MS']).toBeUndefined();
    expect(later).toMatchObject({ tag: 'a', keys: ['k'] });
    // What its broker notes on it.
    const properties = later?.properties ?? {};
    const outMs = Number(properties['TIMER_OUT_MS']);
    expect(outMs % 1000).toBe(0);
    expect(deliverAt.getTime() - outMs).toBeGreaterThan(0);
    expect(deliverAt.getTime() - outMs).toBeLessThanOrEqual(EARLY_MS);
    expect(properties['TIMER_DELIVER_MS']).toBe(String(deliverAt.getTime()));
    expect(Number(properties['TIMER_ENQUEUE_MS'])).toBeLessThanOrEqual(outMs);
    expect(Number(properties['TIMER_DEQUEUE_MS'])).toBeGreaterThanOrEqual(outMs);
    expect(properties).toMatchObject({ REAL_TOPIC: topic, REAL_QID: '0' });
  });

  test('is refused when that is more than three days away, or no number', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const codeOf = async (properties: Properties): Promise<number> =>
      (await ask(broker, commands.sendMessageV2, withProperties(topic, 'x', properties))).code;
    const illegal = ResponseCode.MESSAGE_ILLEGAL;
    expect(await codeOf({ TIMER_DELIVER_MS: String(Date.now() + 3 * DAY_MS + 60_000) })).toBe(illegal);
    expect(await codeOf({ TIMER_DELAY_MS: String(4 * DAY_MS) })).toBe(illegal);
    expect(await codeOf({ TIMER_DELAY_SEC: 'soon' })).toBe(illegal);
    expect(await codeOf({ TIMER_DELAY_MS: '1.5' })).toBe(illegal);
    expect(await codeOf({ TIMER_DELAY_MS: '60000' })).toBe(ResponseCode.SUCCESS);
    expect(await readQueue(topic, 0)).toEqual([]);
  });

  test('has one by the first of level, seconds, milliseconds and time', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const far = String(Date.now() + DAY_MS);
    await send(broker, topic, 'level', { DELAY: '1', TIMER_DELAY_SEC: '3600', TIMER_DELIVER_MS: far });
    await send(broker, topic, 'seconds', {
      TIMER_DELAY_SEC: '1',
      TIMER_DELAY_MS: far,
      TIMER_DELIVER_MS: far,
    });
    await send(broker, topic, 'milliseconds', { TIMER_DELAY_MS: '1000', TIMER_DELIVER_MS: far });
    const messages = await readQueue(topic, 0, { atLeast: 3 });
    expect(messages.map(({ body }) => body.toString()).sort()).toEqual(['level', 'milliseconds', 'seconds']);
    const level = messages.find(({ body }) => body.toString() === 'level');
    expect(Object.keys(level?.properties ?? {}).filter((name) => name.startsWith('TIMER'))).toEqual([]);
  });

  test('is taken back by another for the same time that names it', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const at = { TIMER_DELIVER_MS: String(Date.now() + 3000) };
    await send(broker, topic, 'unwanted', { ...at, UNIQ_KEY: `${topic}-1` });
    await send(broker, topic, 'wanted', { ...at, UNIQ_KEY: `${topic}-2` });
    await send(broker, topic, 'taking back', {
      ...at,
      TIMER_DEL_UNIQKEY: `${topic}-1`,
      UNIQ_KEY: `${topic}-3`,
    });
    await send(broker, topic, 'end', { TIMER_DELAY_MS: '5000' });
    const messages = await readQueue(topic, 0, { atLeast: 2 });
    expect(messages.map(({ body }) => body.toString())).toEqual(['wanted', 'end']);
    const late = withProperties(topic, 'x', { TIMER_DELIVER_MS: '1', TIMER_DEL_UNIQKEY: 'k' });
    expect((await ask(broker, commands.sendMessageV2, late)).code).toBe(ResponseCode.MESSAGE_ILLEGAL);
  });

  test('is counted by its topic while it waits, and the broker tells how far it is', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const metricOf = async (): Promise<protocol.commands.WaitingTimers | undefined> => {
      const { topics } = await done(broker, commands.getTimerMetrics, {});
      return topics.find((metric) => metric.topic === topic);
    };
    expect(await metricOf()).toBeUndefined();
    const start = Date.now();
    const before = await done(broker, commands.getTimerCheckPoint, {});
    await send(broker, topic, 'soon', { TIMER_DELAY_MS: '4000' });
    await send(broker, topic, 'taken back', { TIMER_DELIVER_MS: String(start + DAY_MS), UNIQ_KEY: topic });
    await send(broker, topic, 'kept', { TIMER_DELAY_MS: String(DAY_MS) });
    // Known to be waiting a moment after it is acknowledged.
    await eventually(async () => (await metricOf())?.count === 3);
    expect((await metricOf())?.changedAt).toBeGreaterThanOrEqual(start);
    const deliverMs = { TIMER_DELIVER_MS: String(start + DAY_MS), TIMER_DEL_UNIQKEY: topic };
    await send(broker, topic, 'takes back', deliverMs);
    await eventually(async () => (await metricOf())?.count === 2);
    await eventually(async () => (await metricOf())?.count === 1, { timeoutMs: 20_000 });
    expect(await readQueue(topic, 0, { atLeast: 1 })).toHaveLength(1);

    const after = await eventually(
      async () => {
        const now = await done(broker, commands.getTimerCheckPoint, {});
        return now.lastTimerQueueOffset >= before.lastTimerQueueOffset + 4 && now;
      },
      { timeoutMs: 20_000 },
    );
    expect(after.masterTimerQueueOffset).toBeGreaterThanOrEqual(after.lastTimerQueueOffset);
    expect(after.lastReadTimeMs % 1000).toBe(0);
    expect(Math.abs(after.lastReadTimeMs - Date.now())).toBeLessThan(30_000);
    expect(after.dataVersion.counter).toBeGreaterThan(before.dataVersion.counter);
  });
});
