import { Inbox, type ReceivedMessage } from '@dt/outbox';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import { projectionHandlers } from '../../src/projections/index.ts';
import { openTable, type Table } from '../game/table.ts';

let table: Table;
beforeEach(async () => {
  table = await openTable();
});
afterEach(() => table.close());

async function sent(): Promise<ReceivedMessage[]> {
  const { rows } = await table.database.query<{
    topic: string;
    tag: string;
    message_key: string;
    sharding_key: string;
    payload: string;
  }>('SELECT topic, tag, message_key, sharding_key, payload::text FROM outbox ORDER BY id');
  return rows.map((row) => ({
    topic: row.topic,
    tag: row.tag,
    messageKey: row.message_key,
    shardingKey: row.sharding_key,
    body: row.payload,
  }));
}

const inboxOf = (consumerGroup: string): Inbox =>
  new Inbox({ database: table.database, consumerGroup, handlers: projectionHandlers() });

async function receive(inbox: Inbox, messages: readonly ReceivedMessage[], batchSize = 32): Promise<void> {
  for (let at = 0; at < messages.length; at += batchSize) {
    const batch = await inbox.receive(messages.slice(at, at + batchSize));
    expect(batch).toMatchObject({ deferred: 0, dead: 0, unknown: 0 });
  }
}

/** Three rounds with bets of five players: one open, one settled, one ended. */
async function play(): Promise<void> {
  const players = await Promise.all(Array.from({ length: 5 }, () => table.player(100_000n)));
  for (const rest of [0, 1, 2]) {
    const round = await table.start();
    await Promise.all(
      players.flatMap((player, index) => [
        table.bet(player, round, 1 + (index % 2), 1000n + BigInt(index)),
        table.bet(player, round, 3, 500n),
      ]),
    );
    if (rest === 0) continue;
    await table.events(round, 2, 3, 4);
    await table.draw(round, rest === 1 ? 'D9,T4,Rd' : 'D4,T4,R');
    if (rest === 2) await table.event(round, 5);
  }
}

const statements = async () =>
  (
    await table.database.query(
      'SELECT message_key, platform_user_id, bill_no, event, amount_minor FROM player_statement ORDER BY message_key',
    )
  ).rows;

const reports = async () =>
  (
    await table.database.query(
      `SELECT round_id, orders, settled, stake_minor, payout_minor, house_net_minor, revision, card_list, result, ended
         FROM round_report ORDER BY round_id`,
    )
  ).rows;

describe('projections', () => {
  it('equal the ledger when all messages have come', async () => {
    await play();
    expect(await reconcile(table.database, { projections: true })).not.toEqual([]);
    await receive(inboxOf('g'), await sent());
    expect(await reconcile(table.database, { projections: true })).toEqual([]);
  });

  it('read as the player lived it', async () => {
    const player = await table.player();
    const round = await table.start();
    await table.bet(player, round, 1, 3000n);
    await table.bet(player, round, 3, 1000n);
    await table.events(round, 2, 3, 4);
    await table.draw(round, 'D12,T4,Rd');
    await table.event(round, 5);
    await receive(inboxOf('g'), await sent());
    const { rows } = await table.database.query(
      'SELECT event, play_type, amount_minor, currency FROM player_statement ORDER BY entry_id',
    );
    expect(rows).toEqual([
      { event: 'bet_placed', play_type: 'dragon', amount_minor: '-3000', currency: 'CNY' },
      { event: 'bet_placed', play_type: 'tie', amount_minor: '-1000', currency: 'CNY' },
      { event: 'order_settled', play_type: 'dragon', amount_minor: '5910', currency: 'CNY' },
      { event: 'order_settled', play_type: 'tie', amount_minor: '0', currency: 'CNY' },
    ]);
    expect(await reports()).toEqual([
      {
        round_id: round,
        orders: 2,
        settled: 2,
        stake_minor: '4000',
        payout_minor: '5910',
        house_net_minor: '-1910',
        revision: 1,
        card_list: 'D12,T4,Rdragon',
        result: 'dragon',
        ended: true,
      },
    ]);
  });

  it('are the same whatever the order and the doubling of the messages, even where the inbox forgot', async () => {
    await play();
    const messages = await sent();
    await receive(inboxOf('first'), messages);
    const expected = [await statements(), await reports()];
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray([...messages, ...messages, ...messages.slice(0, 7)], {
          minLength: messages.length * 2 + 7,
        }),
        fc.integer({ min: 1, max: 40 }),
        async (shuffled, batchSize) => {
          await table.database.query('TRUNCATE player_statement, round_report');
          await receive(inboxOf(`shuffled-${(run += 1)}`), shuffled, batchSize);
          // The same again in a group that has never seen them: the statements know.
          await receive(inboxOf(`forgetful-${run}`), shuffled, batchSize);
          expect([await statements(), await reports()]).toEqual(expected);
        },
      ),
      { numRuns: 8 },
    );
    expect(await reconcile(table.database, { projections: true })).toEqual([]);
  }, 60_000);

  it('take batches of many queues at once', async () => {
    await play();
    const inbox = inboxOf('g');
    const messages = await sent();
    const keys = [...new Set(messages.map(({ shardingKey }) => shardingKey))];
    await Promise.all(
      keys.map((key) =>
        receive(
          inbox,
          messages.filter(({ shardingKey }) => shardingKey === key),
          3,
        ),
      ),
    );
    expect(await reconcile(table.database, { projections: true })).toEqual([]);
  });

  it.each([
    ['bet_placed', {}, 'version is missing; expected a whole number'],
    ['bet_placed', { version: 2 }, 'version is 2; expected at most 1'],
    ['order_settled', { version: 1, platform_id: '1' }, 'platform_id is "1"; expected a whole number'],
    ['game_started', { version: 1, game_round_id: 5 }, 'game_round_id is 5; expected a text'],
    ['game_drawn', 'text', 'version is missing; expected a whole number'],
  ])(
    'refuse a %s of %j and name the field, without harm to its neighbours',
    async (tag, payload, message) => {
      await play();
      const inbox = inboxOf('g');
      const wrong = {
        topic: 'dt_settle',
        tag,
        messageKey: 'wrong',
        shardingKey: 'w',
        body: JSON.stringify(payload),
      };
      const batch = await inbox.receive([wrong, ...(await sent())]);
      expect(batch).toMatchObject({ deferred: 1, dead: 0 });
      const { rows } = await table.database.query<{ last_error: string }>(
        `SELECT last_error FROM inbox WHERE message_key = 'wrong'`,
      );
      expect(rows[0]?.last_error).toContain(`message wrong: ${message}`);
      expect(await reconcile(table.database, { projections: true })).toEqual([]);
    },
  );
});
