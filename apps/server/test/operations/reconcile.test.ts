import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { reconcile } from '../../src/operations/reconcile.ts';
import { openTable, type Table } from '../game/table.ts';

let table: Table;
let billNo: string;
let round: string;
beforeEach(async () => {
  table = await openTable();
  const player = await table.player(100_000n);
  round = await table.start();
  ({ billNo } = await table.bet(player, round, 1, 1000n));
  await table.bet(player, round, 3, 500n);
  await table.events(round, 2, 3, 4);
  await table.draw(round, 'D12,T4,Rd');
  await table.event(round, 5);
  await table.bet(player, await table.start(), 1, 700n);
});
afterEach(() => table.close());

/** Does what the database refuses, as somebody with all rights could. */
async function force(...statements: string[]): Promise<void> {
  await table.database.transaction(async (tx) => {
    for (const name of ['transfers', 'orders', 'rounds', 'settlements', 'wallets']) {
      await tx.query(`ALTER TABLE ${name} DISABLE TRIGGER USER`);
    }
    for (const statement of statements) await tx.query(statement);
    for (const name of ['transfers', 'orders', 'rounds', 'settlements', 'wallets']) {
      await tx.query(`ALTER TABLE ${name} ENABLE TRIGGER USER`);
    }
  });
}

const found = async (): Promise<string[]> =>
  (await reconcile(table.database)).map(({ check, subject }) => `${check} ${subject}`);

describe('reconcile', () => {
  it('finds nothing where all is well', async () => {
    expect(await reconcile(table.database)).toEqual([]);
  });

  it('names the wallet whose balance is not the sum of its entries', async () => {
    await force('UPDATE wallets SET balance_minor = balance_minor + 1');
    expect(await found()).toEqual(['balance-is-sum-of-entries player 10000']);
  });

  it('names the order whose debit is missing, and what else that breaks', async () => {
    await force(`DELETE FROM transfers WHERE kind = 'bet' AND reference = '${billNo}'`);
    expect(await found()).toEqual([
      'balance-is-sum-of-entries player 10000',
      `round-adds-up ${round}`,
      `settlement-equals-transfers ${round}`,
      `one-debit-per-order ${billNo}`,
    ]);
  });

  it('names the order whose payout is not what the ledger paid', async () => {
    await force(`UPDATE orders SET payout_minor = payout_minor + 5 WHERE bill_no = '${billNo}'`);
    expect(await found()).toEqual([`payout-equals-order ${billNo}`]);
  });

  it('names a payout without an order', async () => {
    await force(
      `UPDATE transfers SET reference = 'nobody' WHERE kind = 'payout' AND reference = '${billNo}'`,
    );
    expect(await found()).toEqual([`payout-equals-order ${billNo}`, 'payout-equals-order nobody']);
  });

  it('names the order that a settled round left open', async () => {
    await force(
      `UPDATE orders SET bill_status = 1, game_result = 0, payout_minor = 0 WHERE bill_no = '${billNo}'`,
    );
    expect(await found()).toEqual([`order-has-one-outcome ${billNo}`, `payout-equals-order ${billNo}`]);
  });

  it('misses no message that retention has dropped, and every one that it cannot have dropped', async () => {
    await force(`DELETE FROM outbox WHERE message_key LIKE '${billNo}:%'`);
    const missing = ['bet_placed', 'order_settled'].map(
      (event) => `order-has-outbox-rows ${billNo}:1:${event}`,
    );
    expect(await found()).toEqual(missing);
    await force(`UPDATE outbox_retention SET dropped_before = clock_timestamp() - interval '1 minute'`);
    expect(await found()).toEqual(missing);
    await force(`UPDATE outbox_retention SET dropped_before = clock_timestamp()`);
    expect(await found()).toEqual([]);
  });

  it('names the round without its settlement', async () => {
    await force('DELETE FROM settlements');
    expect(await found()).toEqual([`settled-round-has-settlement ${round}`]);
  });

  it('names the totals that are not those of the orders', async () => {
    await force(
      `UPDATE round_totals SET stake_minor = stake_minor + 1 WHERE round_id = '${round}' AND play_type = 3`,
    );
    expect(await found()).toEqual([`round-totals-equal-orders ${round} play 3`]);
  });

  it('names the message that is missing, and the one that is there twice', async () => {
    await force(
      `DELETE FROM outbox WHERE message_key = '${billNo}:1:order_settled'`,
      `INSERT INTO outbox (topic, tag, message_key, sharding_key, payload)
       SELECT topic, tag, message_key, sharding_key, payload FROM outbox WHERE message_key = '${billNo}:1:bet_placed'`,
    );
    expect(await found()).toEqual([
      `one-outbox-row-per-event ${billNo}:1:bet_placed`,
      `order-has-outbox-rows ${billNo}:1:order_settled`,
    ]);
  });

  it('names a transfer to an account that does not exist', async () => {
    await force(`UPDATE transfers SET to_account = 987654 WHERE kind = 'house_net'`);
    expect(await found()).toContainEqual(expect.stringContaining('transfers-have-accounts'));
  });

  it('names the sent row that the group has not applied, and none that retention may have dropped', async () => {
    const of = (group: string) =>
      reconcile(table.database, { projections: true, consumerGroup: group, limit: 1000 }).then((all) =>
        all.filter(({ check }) => check === 'sent-row-is-applied').map(({ detail }) => detail),
      );
    await force(
      `UPDATE outbox SET status = 1, sent_at = clock_timestamp() WHERE message_key LIKE '${billNo}:%'`,
      `INSERT INTO inbox (consumer_group, message_key, topic, sharding_key, status)
       SELECT 'game-consumer', message_key, topic, sharding_key, CASE tag WHEN 'bet_placed' THEN 1 ELSE 2 END
         FROM outbox WHERE status = 1`,
    );
    const { rows } = await table.database.query<{ id: string; tag: string }>(
      'SELECT id::text, tag FROM outbox WHERE status = 1 ORDER BY message_key',
    );
    const [bet, settled] = rows.map(({ id }) => id);
    expect(rows.map(({ tag }) => tag)).toEqual(['bet_placed', 'order_settled']);
    const dead = `outbox row ${settled} is sent, the inbox row of game-consumer is dead`;
    expect(await of('game-consumer')).toEqual([dead]);
    expect(await of('other')).toEqual(
      [bet, settled].map((id) => `outbox row ${id} is sent, the inbox row of other is missing`),
    );
    await force(`UPDATE outbox_retention SET dropped_before = clock_timestamp() WHERE box = 'inbox'`);
    expect(await of('other')).toEqual([]);
    expect(await of('game-consumer')).toEqual([dead]);
  });

  it('gives no more findings of a check than asked for', async () => {
    await force('DELETE FROM outbox');
    expect(await reconcile(table.database, { limit: 2 })).toHaveLength(2);
  });
});
