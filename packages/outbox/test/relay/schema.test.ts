// A relay and tables that are not of the same version.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '@dt/testkit';
import { enqueue, Relay, type RelayOptions } from '../../src/index.ts';
import { RecordingBroker } from '../../src/testing/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;
let broker: RecordingBroker;
let relays: Relay[] = [];

beforeAll(async () => {
  schema = await createTestSchema();
});
afterAll(() => schema.drop());
beforeEach(async () => {
  await schema.reset();
  broker = new RecordingBroker();
});
afterEach(async () => {
  await Promise.all(relays.map((relay) => relay.close()));
  relays = [];
  await schema.pool.query('DELETE FROM outbox_lanes WHERE lane >= 64');
});

function newRelay(options: Partial<RelayOptions> = {}): Relay {
  const relay = new Relay({
    database: schema.database,
    publisher: broker.publisher(),
    pollMs: 20,
    leaseMs: 600,
    ...options,
  });
  relays.push(relay);
  return relay;
}

/** As a version with twice as many lanes would leave it. */
const addLanes = (): Promise<unknown> =>
  schema.pool.query('INSERT INTO outbox_lanes (lane) SELECT generate_series(64, 127)');

describe('a relay of a version with another number of lanes than the database', () => {
  it('refuses to start, says what to do, and takes nothing', async () => {
    await addLanes();
    await expect(newRelay().start()).rejects.toMatchObject({
      code: 'lane-count',
      message: expect.stringMatching(
        /^outbox_lanes has 128 lanes, this version works with 64: stop all relays, run migrate\(\)/,
      ) as string,
    });
    const { rows } = await schema.pool.query(
      'SELECT (SELECT count(*)::int FROM outbox_relays) AS relays, count(owner)::int AS owned FROM outbox_lanes',
    );
    expect(rows).toEqual([{ relays: 0, owned: 0 }]);
    await schema.pool.query('DELETE FROM outbox_lanes WHERE lane >= 64');
    await relays[0]?.start();
    expect(relays[0]?.stats()).toMatchObject({ running: true, lanes: 64 });
  });

  it('lets go of everything when the number changes under it, and goes on when it is right again', async () => {
    const errors: unknown[] = [];
    const relay = newRelay({ onError: (error) => errors.push(error) });
    await relay.start();
    await addLanes();
    await eventually(() => relay.stats().lanes === 0);
    expect(errors).toContainEqual(expect.objectContaining({ code: 'lane-count' }));
    await schema.database.transaction((tx) =>
      enqueue(tx, [{ topic: 't', messageKey: 'k', shardingKey: 'k', payload: {} }]),
    );
    // Another version could take the lanes: the lease runs out.
    await eventually(async () => {
      const { rows } = await schema.pool.query(
        'SELECT FROM outbox_relays WHERE expires_at > clock_timestamp()',
      );
      return rows.length === 0;
    });
    expect(broker.calls).toBe(0);
    await schema.pool.query('DELETE FROM outbox_lanes WHERE lane >= 64');
    await eventually(() => broker.log.length === 1);
  });
});

it('a relay without its tables says so', async () => {
  await expect(newRelay({ schema: 'nowhere' }).start()).rejects.toMatchObject({
    code: 'schema-missing',
    message: 'the tables of this version are not there: run migrate()',
  });
});
