import { eventually, type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createWorld, linesOf, outboxCounts, target, type World } from './harness.ts';

let broker: RunningBroker;
let world: World | undefined;

beforeAll(async () => {
  broker = await startBroker(target);
});
afterEach(async () => {
  await world?.close();
  world = undefined;
});
afterAll(() => broker.close());

describe(`messaging on ${target} RocketMQ`, () => {
  it('enabled: writes the start-up lines in order, and stops cleanly', async () => {
    world = await createWorld({ broker });
    const server = await world.serve();
    await server.waitForLine(/rocketmq enabled/);
    const endpoint = broker.nameServer;
    const expected = [
      `[INFO] rocketmq producer config endpoint=${endpoint} topics=${world.topic} ak=rocketmq`,
      `[INFO] rocketmq: topics configured topics=[${world.topic}]`,
      '[INFO] rocketmq: creating producer opts_count=1',
      '[INFO] rocketmq: producer created, starting...',
      `[INFO] rocketmq enabled endpoint=${endpoint}`,
    ];
    expect(linesOf(server).filter((line) => expected.includes(line))).toEqual(expected);
    expect(server.output()).not.toContain('rocketmq123');
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(linesOf(server).at(-1)).toBe('[INFO] stopped');
  });

  it.each(['access_key', 'secret_key'])(
    'disabled without %s: says so, settles, keeps every row at 0, and sends all of them once it is enabled',
    async (key) => {
      world = await createWorld({ broker, rocketmq: { [key]: '' } });
      const server = await world.serve();
      const played = await world.play('--rounds', '1', '--players', '4', '--no-delivery');
      expect(await played.exited, played.output()).toEqual({ code: 0, signal: null });

      const lines = linesOf(server);
      expect(lines).toContain('[WARN] rocketmq disabled: missing access/secret key while endpoint present');
      expect(lines).toContain(`[WARN] [mq disabled] drop message topic=${world.topic}`);
      expect(lines.filter((line) => line.includes('rocketmq enabled'))).toEqual([]);
      const before = await outboxCounts(world.database);
      expect(before.pending).toBeGreaterThan(0);
      expect(before).toMatchObject({ sent: 0, dead: 0 });
      await server.stop();

      const { database } = world;
      await world.serve('--set', `rocketmq.${key}=given-now`);
      await eventually(async () => (await outboxCounts(database)).sent === before.pending, {
        timeoutMs: 30_000,
      });
    },
  );

  it('silent without an endpoint: settles, keeps every row at 0, and never speaks of it', async () => {
    world = await createWorld();
    const server = await world.serve();
    const played = await world.play('--rounds', '1', '--players', '4', '--no-delivery');
    expect(await played.exited, played.output()).toEqual({ code: 0, signal: null });
    expect(await outboxCounts(world.database)).toMatchObject({ sent: 0, dead: 0 });
    expect((await outboxCounts(world.database)).pending).toBeGreaterThan(0);
    await server.stop();
    expect(server.output()).not.toMatch(/rocketmq|\bmq\b/i);
  });

  it('a NameServer that does not answer: the cause is named, the server serves, rows wait and go out when it is there', async () => {
    const late = await startBroker('embedded');
    try {
      await late.stopBroker();
      world = await createWorld({ broker: late });
      const server = await world.serve();
      await server.waitForLine(/^\[ERROR\] rocketmq: producer start failed endpoint=\S+ err=/);
      const played = await world.play('--rounds', '1', '--players', '4', '--no-delivery');
      expect(await played.exited, played.output()).toEqual({ code: 0, signal: null });
      const before = await outboxCounts(world.database);
      expect(before.pending).toBeGreaterThan(0);
      const { database } = world;
      await late.startBroker();
      await server.waitForLine(/rocketmq enabled/, { timeoutMs: 40_000 });
      await eventually(async () => (await outboxCounts(database)).sent === before.pending, {
        timeoutMs: 30_000,
      });
    } finally {
      await late.close();
    }
  });
});
