import { eventually } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeadLetters, enqueue, Inbox, type LetterQuery, Relay } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';
import { RecordingBroker } from '../../src/testing/index.ts';

let schema: TestSchema;
let outbox: DeadLetters;
let inbox: DeadLetters;

beforeAll(async () => {
  schema = await createTestSchema();
  const { database } = schema;
  outbox = new DeadLetters({ database, box: 'outbox' });
  inbox = new DeadLetters({ database, box: 'inbox' });
  await database.transaction((tx) =>
    enqueue(tx, [
      { topic: 'bets', tag: 'placed', messageKey: 'B1:1', shardingKey: 'ann', payload: { n: 1 } },
      { topic: 'bets', tag: 'drawn', messageKey: 'B1:2', shardingKey: 'ann', payload: { n: 2 } },
      { topic: 'bets', tag: 'placed', messageKey: 'B2:1', shardingKey: 'bob', payload: { n: 3 } },
      {
        topic: 'news',
        messageKey: 'B3:1',
        shardingKey: 'bob',
        payload: { big: 1 },
        headers: { traceparent: 'x' },
      },
    ]),
  );
  const broker = new RecordingBroker();
  broker.decide = ({ messageKey }) => (messageKey === 'B1:2' ? 'sent' : 'rejected');
  const relay = new Relay({ database, publisher: broker.publisher() });
  await relay.start();
  await eventually(() => relay.stats().rejected === 3 && relay.stats().sent === 1);
  await relay.close();

  const receiver = new Inbox({
    database,
    consumerGroup: 'statement',
    maxAttempts: 1,
    handlers: { placed: () => Promise.reject(new Error('No Account')), drawn: () => Promise.resolve() },
  });
  await receiver.receive([
    { topic: 'bets', tag: 'placed', messageKey: 'B1:1', shardingKey: 'ann', body: '{"n":1}' },
    { topic: 'bets', tag: 'drawn', messageKey: 'B1:2', shardingKey: 'ann', body: '{"n":2}' },
    { topic: 'bets', tag: 'placed', messageKey: 'B2:1', shardingKey: 'bob', body: 'no JSON' },
    { topic: 'bets', tag: 'drawn', messageKey: undefined, body: '{}' },
  ]);
  await receiver.close();
});
afterAll(() => schema.drop());

async function keys(letters: DeadLetters, query?: LetterQuery): Promise<string[]> {
  return (await letters.list(query)).letters.map(({ messageKey }) => messageKey);
}

describe('a list', () => {
  it('has the dead ones, the newest first, with why and when they died', async () => {
    const { letters, next } = await outbox.list();
    expect(letters.map(({ messageKey }) => messageKey)).toEqual(['B3:1', 'B2:1', 'B1:1']);
    expect(next).toBeUndefined();
    const [letter] = letters;
    expect(letter).toMatchObject({
      consumerGroup: undefined,
      topic: 'news',
      tag: undefined,
      shardingKey: 'bob',
      status: 'dead',
      attempts: 1,
      lastError: 'rejected B3:1',
      replays: 0,
      replayable: true,
    });
    const { createdAt, diedAt } = letter as { createdAt: Date; diedAt: Date };
    expect(diedAt.getTime()).toBeGreaterThanOrEqual(createdAt.getTime());
    expect(Date.now() - diedAt.getTime()).toBeLessThan(60_000);
  });

  it('goes on after its cursor, in both orders, and knows its end', async () => {
    for (const order of ['newest', 'oldest'] as const) {
      const first = await outbox.list({ order, limit: 2 });
      const last = await outbox.list({ order, limit: 2, after: first.next ?? 0 });
      expect(last.next).toBeUndefined();
      const all = [...first.letters, ...last.letters].map(({ messageKey }) => messageKey);
      expect(order === 'newest' ? all.reverse() : all).toEqual(['B1:1', 'B2:1', 'B3:1']);
    }
  });

  it.each<[LetterQuery, string[]]>([
    [{ topic: 'news' }, ['B3:1']],
    [{ tag: 'placed', order: 'oldest' }, ['B1:1', 'B2:1']],
    [{ messageKey: 'B2:1' }, ['B2:1']],
    [{ messageKeyPrefix: 'B1:' }, ['B1:1']],
    [{ messageKeyPrefix: 'B%' }, []],
    [{ shardingKey: 'bob', tag: 'placed' }, ['B2:1']],
    [{ errorPart: 'ReJeCtEd b2' }, ['B2:1']],
    [{ createdBefore: new Date(0) }, []],
    [{ createdFrom: new Date(0), topic: 'news' }, ['B3:1']],
    [{ failedBefore: new Date(0) }, []],
    [{ failedFrom: new Date(0), topic: 'news' }, ['B3:1']],
    [{ status: 'done' }, ['B1:2']],
    [{ status: 'pending' }, []],
  ])('is filtered by %j', async (query, expected) => {
    expect(await keys(outbox, query)).toEqual(expected);
  });

  it('of the inbox knows its groups, and what cannot be replayed', async () => {
    const { letters } = await inbox.list({ consumerGroup: 'statement', order: 'oldest' });
    expect(letters).toMatchObject([
      { consumerGroup: 'statement', messageKey: 'B1:1', lastError: 'No Account', replayable: true },
      { messageKey: 'B2:1', replayable: false },
      { lastError: 'the message has no key', replayable: false },
    ]);
    expect(letters[0]?.diedAt).toBeInstanceOf(Date);
    expect(await keys(inbox, { consumerGroup: 'other' })).toEqual([]);
    expect(await keys(inbox, { status: 'done' })).toEqual(['B1:2']);
  });

  it.each<[LetterQuery, string]>([
    [{ topic: '' }, 'topic is "", allowed is a text'],
    [{ errorPart: 'a\0b' }, 'errorPart is '],
    [{ createdFrom: new Date(NaN) }, 'createdFrom is an invalid Date, allowed is a valid Date'],
    [{ status: 'pending', failedFrom: new Date() }, 'failedFrom cannot be asked of pending messages'],
    [{ consumerGroup: 'g' }, 'consumerGroup cannot be asked of the outbox'],
    [{ limit: 1001 }, 'limit is 1001'],
    [{ id: 0 }, 'id is 0'],
    [{ after: -1 }, 'after is -1'],
    [{ status: 'gone' as 'dead' }, 'status is "gone", allowed are pending, done, dead'],
    [{ order: 'up' as 'oldest' }, 'order is "up", allowed are newest, oldest'],
  ])('refuses %j', async (query, message) => {
    const asked = outbox.list(query);
    await expect(asked).rejects.toMatchObject({ name: 'OutboxError', code: 'invalid-option' });
    await expect(asked).rejects.toThrow(`DeadLetters: ${message}`);
  });
});

it('a summary counts by topic, tag and error, and says how much it leaves out', async () => {
  expect(await outbox.summary({ topic: 'bets', limit: 1 })).toMatchObject({
    groups: [{ topic: 'bets', tag: 'placed', error: 'rejected B1:1', messages: 1 }],
    messages: 2,
    allGroups: 2,
  });
  expect(await inbox.summary({ errorPart: 'account' })).toMatchObject({
    groups: [{ consumerGroup: 'statement', topic: 'bets', tag: 'placed', error: 'No Account', messages: 1 }],
    messages: 1,
  });
  expect(await outbox.summary({ topic: 'none' })).toEqual({ groups: [], messages: 0, allGroups: 0 });
});

describe('one message', () => {
  it('is shown with payload and headers, whatever its status', async () => {
    const { letters } = await outbox.list({ topic: 'news' });
    expect(await outbox.show({ id: letters[0]?.id ?? 0 })).toMatchObject({
      messageKey: 'B3:1',
      payload: '{"big":1}',
      headers: { traceparent: 'x' },
      pastLives: [],
    });
    const sent = await inbox.show({ consumerGroup: 'statement', messageKey: 'B1:2' });
    expect(sent).toMatchObject({ status: 'done', payload: '{"n":2}', diedAt: undefined });
    expect(sent.doneAt).toBeInstanceOf(Date);
  });

  it('that is no JSON is shown as the bytes that came', async () => {
    const { payload, body } = await inbox.show({ consumerGroup: 'statement', messageKey: 'B2:1' });
    expect(payload).toBeUndefined();
    expect(Buffer.from(body ?? []).toString()).toBe('no JSON');
  });

  it('that does not exist, or is not named as its table names messages, is refused', async () => {
    await expect(outbox.show({ id: 999_999 })).rejects.toMatchObject({ code: 'not-found' });
    await expect(inbox.show({ consumerGroup: 'g', messageKey: 'B1:1' })).rejects.toThrow(
      'the inbox has no message of the group g with the key B1:1',
    );
    await expect(inbox.show({ id: 1 })).rejects.toThrow('is named by consumerGroup and messageKey');
    await expect(outbox.show({ consumerGroup: 'g', messageKey: 'B1:1' })).rejects.toThrow('is named by id');
  });
});

it('refuses a box that does not exist', () => {
  expect(() => new DeadLetters({ database: schema.database, box: 'letters' as 'outbox' })).toThrow(
    'DeadLetters: box is "letters", allowed are outbox, inbox',
  );
});
