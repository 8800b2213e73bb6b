import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Database } from '../../src/database/index.ts';
import { reconcile } from '../../src/operations/reconcile.ts';
import {
  createWallet,
  DEMO_PLAYER,
  seedDemoPlayer,
  type PlayerRef,
  type Wallet,
} from '../../src/wallet/index.ts';
import { openDatabase } from '../database/open-database.ts';

let opened: Awaited<ReturnType<typeof openDatabase>>;
let database: Database;
let wallet: Wallet;
beforeAll(async () => {
  opened = await openDatabase();
  database = opened.database;
  wallet = createWallet({ database });
});
afterAll(() => opened.close());

const player = (platformUserId: string, platformId = 1): PlayerRef => ({
  platformId,
  platformUserId,
  userName: 'Somebody',
});
const money = (who: PlayerRef, transactionId: string, amountMinor: bigint) => ({
  player: who,
  transactionId,
  amountMinor,
  traceId: 't-1',
});

describe('wallet', () => {
  it('has 0.00 of a player nobody has seen, and does not create it', async () => {
    expect(await wallet.balance(player('nobody'))).toMatchObject({ balanceMinor: 0n, currency: 'CNY' });
    const { rows } = await database.query('SELECT FROM players WHERE platform_user_id = $1', ['nobody']);
    expect(rows).toHaveLength(0);
  });

  it('takes deposits and withdrawals, each with its transfer', async () => {
    const who = player('in-and-out');
    const first = await wallet.deposit(money(who, 'd-1', 10_000n));
    expect(first).toMatchObject({ transactionId: 'd-1', balanceMinor: 10_000n, replayed: false });
    expect(await wallet.withdraw(money(who, 'w-1', 2_500n))).toMatchObject({ balanceMinor: 7_500n });
    expect((await wallet.balance(who)).balanceMinor).toBe(7_500n);
    expect(await wallet.transaction(who, 'w-1')).toMatchObject({
      kind: 'withdraw',
      amountMinor: 2_500n,
      balanceMinor: 7_500n,
    });
    expect(await reconcile(database)).toEqual([]);
  });

  it('answers a repeated transaction as the first time, after the balance has moved on', async () => {
    const who = player('repeats');
    const first = await wallet.deposit(money(who, 'd-1', 1_000n));
    await wallet.deposit(money(who, 'd-2', 1_000n));
    expect(await wallet.deposit(money(who, 'd-1', 1_000n))).toEqual({ ...first, replayed: true });
    expect((await wallet.balance(who)).balanceMinor).toBe(2_000n);
  });

  it('refuses a transaction id with another amount or another kind', async () => {
    const who = player('other-body');
    await wallet.deposit(money(who, 'd-1', 1_000n));
    await expect(wallet.deposit(money(who, 'd-1', 1_001n))).rejects.toMatchObject({
      code: 2002,
      httpStatus: 409,
    });
    await expect(wallet.withdraw(money(who, 'd-1', 1_000n))).rejects.toMatchObject({ code: 2002 });
    expect((await wallet.balance(who)).balanceMinor).toBe(1_000n);
  });

  it('keeps transaction ids of two players, and of two platforms, apart', async () => {
    for (const who of [player('same'), player('other'), player('same', 2)]) {
      expect(await wallet.deposit(money(who, 'd-1', 700n))).toMatchObject({
        balanceMinor: 700n,
        replayed: false,
      });
    }
    await expect(wallet.transaction(player('same', 3), 'd-1')).rejects.toMatchObject({
      code: 4004,
      httpStatus: 404,
    });
  });

  it('refuses a withdrawal that the balance does not cover, and writes nothing', async () => {
    const who = player('poor');
    await wallet.deposit(money(who, 'd-1', 1_000n));
    await expect(wallet.withdraw(money(who, 'w-1', 1_001n))).rejects.toMatchObject({
      code: 2007,
      httpStatus: 400,
    });
    await expect(wallet.withdraw(money(player('unseen'), 'w-1', 1n))).rejects.toMatchObject({ code: 2007 });
    await expect(wallet.transaction(who, 'w-1')).rejects.toMatchObject({ code: 4004 });
    expect(await wallet.withdraw(money(who, 'w-1', 1_000n))).toMatchObject({ balanceMinor: 0n });
  });

  it('refuses a withdrawal of a disabled player', async () => {
    const who = player('disabled');
    await wallet.deposit(money(who, 'd-1', 1_000n));
    await database.query(`UPDATE players SET status = 2 WHERE platform_user_id = 'disabled'`);
    await expect(wallet.withdraw(money(who, 'w-1', 1n))).rejects.toMatchObject({
      code: 1000,
      message: '用户状态异常',
    });
  });

  it('refuses amounts and ids outside what the tables hold', async () => {
    const who = player('bounds');
    for (const amount of [0n, -1n, 2n ** 63n]) {
      await expect(wallet.deposit(money(who, 'd-1', amount))).rejects.toMatchObject({ code: 1000 });
    }
    for (const id of ['', 'x'.repeat(129), 'a\0b']) {
      await expect(wallet.deposit(money(who, id, 1n))).rejects.toMatchObject({ code: 1000 });
    }
    await wallet.deposit(money(who, 'd-1', 2n ** 63n - 1n));
    await expect(wallet.deposit(money(who, 'd-2', 1n))).rejects.toMatchObject({ code: 1000 });
    await wallet.withdraw(money(who, 'w-1', 2n ** 63n - 1n));
  });

  it('does one transaction once when it comes 50 times at once, the first sight of the player included', async () => {
    const who = player('fifty');
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => wallet.deposit(money(who, 'd-1', 500n))),
    );
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(new Set(answers.map(({ balanceMinor }) => balanceMinor))).toEqual(new Set([500n]));
    expect((await wallet.balance(who)).balanceMinor).toBe(500n);
  });

  it('never pays out more than there is, however many ask at once', async () => {
    const who = player('rush');
    await wallet.deposit(money(who, 'd-1', 1_000n));
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => wallet.withdraw(money(who, `w-${index}`, 300n))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    expect((await wallet.balance(who)).balanceMinor).toBe(100n);
    expect(await reconcile(database)).toEqual([]);
  });

  it('gives the demo player 1,000,000.00 once, from the outside world', async () => {
    const both = await Promise.all([seedDemoPlayer(database), seedDemoPlayer(database)]);
    expect(both.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await wallet.balance(DEMO_PLAYER)).toMatchObject({ balanceMinor: 100_000_000n });
    const { rows } = await database.query('SELECT player_id, user_name FROM players WHERE platform_id = 99');
    expect(rows).toEqual([{ player_id: '9999', user_name: 'Chris' }]);
    await wallet.withdraw(money(DEMO_PLAYER, 'w-1', 100n));
    await seedDemoPlayer(database);
    expect((await wallet.balance(DEMO_PLAYER)).balanceMinor).toBe(99_999_900n);
    expect(await reconcile(database)).toEqual([]);
  });
});

describe('the ledger defends itself', () => {
  it.each(['transfers', 'accounts', 'wallet_transactions', 'settlements', 'round_audit'])(
    'refuses UPDATE, DELETE and TRUNCATE of %s',
    async (table) => {
      const column = {
        transfers: 'amount_minor',
        accounts: 'owner',
        wallet_transactions: 'amount_minor',
        settlements: 'actor',
        round_audit: 'actor',
      }[table];
      for (const sql of [
        `UPDATE ${table} SET ${column} = ${column}`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table} CASCADE`,
      ]) {
        await expect(database.query(sql)).rejects.toMatchObject({
          code: '23001',
          message: expect.stringContaining('is refused') as string,
        });
      }
    },
  );

  it('refuses them for transfers also in a session that replays changes', async () => {
    await expect(
      database.transaction(async (tx) => {
        await tx.query('SET LOCAL session_replication_role = replica');
        await tx.query('DELETE FROM transfers');
      }),
    ).rejects.toMatchObject({ code: '23001' });
  });

  it.each(['players', 'wallets', 'rounds', 'orders'])('refuses to delete %s', async (table) => {
    await expect(database.query(`DELETE FROM ${table}`)).rejects.toMatchObject({ code: '23001' });
  });

  it('refuses a transfer between accounts that its kind does not join, or that do not exist', async () => {
    const insert = (kind: string, from: string, to: string) =>
      database.query(
        `INSERT INTO transfers (kind, reference, revision, from_account, to_account, amount_minor, currency, round_id, trace_id)
         VALUES ('${kind}', 'x', 1, ${from}, ${to}, 1, 'CNY', ${kind === 'deposit' ? 'NULL' : `'r'`}, 't')`,
      );
    const house = `(SELECT account_id FROM accounts WHERE kind = 'house')`;
    const outside = `(SELECT account_id FROM accounts WHERE kind = 'outside')`;
    await expect(insert('deposit', outside, house)).rejects.toMatchObject({ code: '23503' });
    await expect(insert('house_net', house, outside)).rejects.toMatchObject({ code: '23503' });
    await expect(insert('payout', '123456789', house)).rejects.toMatchObject({ code: '23503' });
    await expect(insert('deposit', outside, outside)).rejects.toMatchObject({ code: '23514' });
  });

  it('refuses a balance below zero', async () => {
    await wallet.deposit(money(player('below'), 'd-1', 5n));
    await expect(database.query('UPDATE wallets SET balance_minor = -1')).rejects.toMatchObject({
      code: '23514',
    });
  });
});
