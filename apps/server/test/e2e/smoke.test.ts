import { eventually, type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWorld, delivered, outboxCounts, target, type World } from './harness.ts';

let broker: RunningBroker;
let world: World;

beforeAll(async () => {
  broker = await startBroker(target);
  world = await createWorld({ broker });
});
afterAll(async () => {
  await world.close();
  await broker.close();
});

it(`one game by hand, from the bet to the inbox, over ${target} RocketMQ`, async () => {
  const { url, database, consumerGroup } = world;
  await world.serve();
  const roundId = `round_${Date.now()}`;
  const headers = {
    'content-type': 'application/json',
    authorization: 'Bearer end-to-end-token',
    'x-platform-user-id': '9999',
  };
  const call = async (path: string, body?: Record<string, unknown>) => {
    const answer = await fetch(`${url}/api/${path}`, {
      headers,
      ...(body === undefined
        ? {}
        : {
            method: 'POST',
            body: JSON.stringify({ game_id: 'g', room_id: 'm', game_round_id: roundId, ...body }),
          }),
    });
    const envelope = (await answer.json()) as { code: number; data?: Record<string, unknown> };
    expect(envelope, path).toMatchObject({ code: 0, message: 'success' });
    return envelope.data;
  };
  const event = (eventType: number) => call('game_event', { event_type: eventType });

  expect(await call('user/balance')).toMatchObject({ balance: '1000000.00', currency: 'CNY' });
  await event(1);
  const bet = await call('bet', { bet_amount: '30.00', play_type: 1, idempotency_key: `k-${roundId}` });
  expect(bet).toMatchObject({ remain_amount: '999970.00' });
  await event(2);
  await event(3);
  await event(4);
  await call('drawresult', { card_list: 'D12,T4,Rd' });
  await event(5);
  expect(await call('user/balance')).toMatchObject({ balance: '1000029.10' });

  const inboxRows = async () => {
    const { rows } = await database.query<{ tag: string; message_key: string; status: number }>(
      'SELECT tag, message_key, status FROM inbox WHERE consumer_group = $1 ORDER BY tag',
      [consumerGroup],
    );
    return rows;
  };
  await eventually(async () => (await inboxRows()).filter(({ status }) => status === 1).length === 6, {
    timeoutMs: 30_000,
  });
  const billNo = String(bet?.['bill_no']);
  expect((await inboxRows()).map(({ tag, message_key }) => `${tag} ${message_key}`)).toEqual([
    `bet_placed ${billNo}:1:bet_placed`,
    `game_draw_ready ${roundId}:1:game_draw_ready`,
    `game_drawn ${roundId}:1:game_drawn`,
    `game_ended ${roundId}:1:game_ended`,
    `game_started ${roundId}:1:game_started`,
    `order_settled ${billNo}:1:order_settled`,
  ]);
  // A message can be applied before the relay has written down that it was sent.
  await delivered(world);
  expect(await outboxCounts(database)).toEqual({ pending: 0, sent: 6, dead: 0 });
  const { rows } = await database.query('SELECT 1 FROM outbox WHERE sent_at IS NULL OR message_id IS NULL');
  expect(rows).toEqual([]);
});
