// `onDead: 'hold'`: what comes behind a dead message in its sharding key waits for an operator.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { DeadLetters, enqueue, Relay, type RelayOptions } from '../../src/index.ts';
import { RecordingBroker } from '../../src/testing/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;
let broker: RecordingBroker;
let dead: DeadLetters;
let relays: Relay[] = [];
let refused: Set<string>;

beforeAll(async () => {
  schema = await createTestSchema();
  dead = new DeadLetters({ database: schema.database, box: 'outbox' });
});
afterAll(() => schema.drop());
beforeEach(async () => {
  await schema.reset();
  broker = new RecordingBroker();
  refused = new Set(['a-2']);
  broker.decide = ({ messageKey }) => (refused.has(messageKey) ? 'rejected' : 'sent');
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.close()));
  relays = [];
});

async function startRelay(options: Partial<RelayOptions> = {}): Promise<Relay> {
  const relay = new Relay({
    database: schema.database,
    publisher: broker.publisher(),
    onDead: 'hold',
    pollMs: 20,
    leaseMs: 600,
    retry: { initialMs: 10 },
    ...options,
  });
  relays.push(relay);
  await relay.start();
  return relay;
}

/** `a-1` has the sharding key `a`. */
const write = (...keys: string[]): Promise<void> =>
  schema.database.transaction((tx) =>
    enqueue(
      tx,
      keys.map((messageKey) => ({
        topic: 't',
        messageKey,
        shardingKey: messageKey.replace(/-.*/, ''),
        payload: {},
      })),
    ),
  );

const sent = (key: string): string[] =>
  broker.log.filter(({ shardingKey }) => shardingKey === key).map(({ messageKey }) => messageKey);

const died = (messageKey: string): Promise<unknown> =>
  eventually(async () => (await dead.list({ messageKey })).letters.length === 1);

describe('a sharding key with a dead message', () => {
  it('waits, whatever comes to it, while others go on; a replay sends all of it in order', async () => {
    await startRelay();
    await write('a-1', 'a-2', 'a-3', 'b-1', 'a-4');
    await died('a-2');
    await write('a-5', 'b-2');
    await eventually(() => sent('b').length === 2);
    // Its relay goes, and the next one has to know.
    await relays.pop()?.close();
    await startRelay({ fullScanMs: 100 });
    await write('a-6', 'b-3');
    await eventually(() => sent('b').length === 3);
    expect(sent('a')).toEqual(['a-1']);
    expect((await dead.list()).letters).toMatchObject([
      { messageKey: 'a-2', holdsKey: true, lastError: 'rejected a-2' },
    ]);

    refused.clear();
    await dead.replay({ messageKey: 'a-2' }, { by: 'ann' });
    await eventually(() => sent('a').length === 6);
    expect(sent('a')).toEqual(['a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'a-6']);
  });

  it('goes on without it when it is skipped', async () => {
    await startRelay();
    await write('a-1', 'a-2', 'a-3', 'a-4');
    await died('a-2');
    expect(await dead.skip({ shardingKey: 'b' }, { by: 'ann' })).toBe(0);
    expect(await dead.planSkip({ shardingKey: 'b' })).toEqual({
      messages: 0,
      keys: 0,
      waiting: 0,
      first: [],
    });
    const heldId = (await dead.list()).letters[0]?.id;
    expect(await dead.planSkip()).toMatchObject({ messages: 1, keys: 1, waiting: 2, first: [heldId] });
    expect(await dead.skip({ shardingKey: 'a' }, { by: 'ann' })).toBe(1);
    await eventually(() => sent('a').length === 3);
    expect(sent('a')).toEqual(['a-1', 'a-3', 'a-4']);
    expect((await dead.list()).letters).toMatchObject([
      { messageKey: 'a-2', holdsKey: false, lastError: 'rejected a-2; skipped by ann' },
    ]);
    expect(await dead.skip({}, { by: 'ann' })).toBe(0);
  });

  it('waits as well behind one that was given up after its last attempt', async () => {
    broker.decide = ({ messageKey }) => (messageKey === 'a-2' ? 'retry' : 'sent');
    const relay = await startRelay({ maxAttempts: 2 });
    await write('a-1', 'a-2', 'a-3');
    await died('a-2');
    await write('a-4', 'b-1');
    await eventually(() => sent('b').length === 1);
    expect(sent('a')).toEqual(['a-1']);
    expect(relay.stats().heldKeys).toBe(1);
  });

  it('waits on over an outage of the broker', async () => {
    await startRelay({ outage: { initialMs: 10, maxMs: 10 } });
    await write('a-1', 'a-2', 'a-3');
    await died('a-2');
    broker.down = new Error('away');
    await write('b-1', 'c-1');
    const { calls } = broker;
    await eventually(() => broker.calls > calls + 6);
    broker.down = undefined;
    await eventually(() => sent('b').length === 1 && sent('c').length === 1);
    expect(sent('a')).toEqual(['a-1']);
  });

  it('sends one message of a key at a time, and still all of them', async () => {
    broker.before = (batch) => {
      expect(new Set(batch.map(({ shardingKey }) => shardingKey)).size).toBe(batch.length);
    };
    await write(...Array.from({ length: 300 }, (_, i) => `${i % 7 === 0 ? 'hot' : `k${i % 50}`}-${i}`));
    await startRelay();
    await eventually(() => broker.log.length === 300);
    expect(sent('hot')).toEqual([...sent('hot')].sort((a, b) => Number(a.slice(4)) - Number(b.slice(4))));
  });
});

describe('a sharding key with a dead message, by default', () => {
  it('goes on', async () => {
    await startRelay({ onDead: 'continue' });
    await write('a-1', 'a-2', 'a-3');
    await eventually(() => sent('a').length === 2);
    await died('a-2');
    expect((await dead.list()).letters).toMatchObject([{ messageKey: 'a-2', holdsKey: false }]);
  });
});
