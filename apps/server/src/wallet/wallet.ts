import { PLANS_BY_KEY, sqlState, type Database, type Queryable } from '../database/index.ts';
import { accountId } from './accounts.ts';
import {
  badParameter,
  balanceTooLow,
  duplicateRequest,
  playerDisabled,
  transactionNotFound,
} from './errors.ts';
import { CURRENCY, MAX_AMOUNT_MINOR } from './money.ts';
import { checkText } from './text.ts';
import type { MoneyAnswer, MoneyRequest, MoneyTransaction, PlayerRef, Wallet } from './types.ts';
import { ADD_PLAYER, ADD_WALLET, BALANCE, LOCK_WALLET, MOVE, PLAYER_ID, TRANSACTION } from './wallet.sql.ts';

export interface WalletOptions {
  readonly database: Database;
}

interface LockedWallet {
  readonly player_id: string;
  readonly status: number;
}

interface TransactionRow {
  readonly transaction_id: string;
  readonly kind: 'deposit' | 'withdraw';
  readonly amount_minor: string;
  readonly balance_after_minor: string;
  readonly currency: string;
  readonly created_at: Date;
}

const NUMERIC_VALUE_OUT_OF_RANGE = '22003';

export function createWallet({ database }: WalletOptions): Wallet {
  return {
    async balance(player) {
      checkText('platform_user_id', player.platformUserId);
      const { rows } = await database.query<{ balance_minor: string; currency: string; updated_at: Date }>(
        BALANCE,
        [player.platformId, player.platformUserId, CURRENCY],
      );
      const row = rows[0];
      if (row === undefined) return { balanceMinor: 0n, currency: CURRENCY, updatedAtMs: 0 };
      return {
        balanceMinor: BigInt(row.balance_minor),
        currency: row.currency,
        updatedAtMs: row.updated_at.getTime(),
      };
    },
    deposit: (request) => move(database, 'deposit', request),
    withdraw: (request) => move(database, 'withdraw', request),
    async transaction(player, transactionId) {
      checkText('platform_user_id', player.platformUserId);
      checkText('transaction_id', transactionId, { max: 128 });
      const found = await findTransaction(database, player, transactionId);
      if (found === undefined) throw transactionNotFound({ transactionId });
      return found;
    },
  };
}

async function move(
  database: Database,
  kind: MoneyTransaction['kind'],
  request: MoneyRequest,
  playerId?: number,
): Promise<MoneyAnswer> {
  const { player, transactionId, amountMinor, traceId } = request;
  if (amountMinor <= 0n || amountMinor > MAX_AMOUNT_MINOR) throw badParameter('amount must be positive');
  checkText('transaction_id', transactionId, { max: 128 });
  checkText('platform_user_id', player.platformUserId);
  checkText('user_name', player.userName, { min: 0, max: 256 });
  try {
    return await database.transaction(
      async (tx) => {
        const wallet =
          (await lockWallet(tx, player)) ??
          (kind === 'deposit' ? await openWallet(tx, player, playerId) : undefined);
        if (wallet === undefined) throw balanceTooLow();
        // Before the state, and under the wallet's lock: two of one id at once are one and its replay.
        const before = await findTransaction(tx, player, transactionId);
        if (before !== undefined) {
          if (before.kind !== kind || before.amountMinor !== amountMinor)
            throw duplicateRequest({ transactionId });
          return answer(before, true);
        }
        if (kind === 'withdraw' && wallet.status !== 1) throw playerDisabled();
        const outside = await accountId(tx, 'outside', '', CURRENCY);
        const { rows } = await tx.query<TransactionRow>(MOVE, [
          wallet.player_id,
          kind,
          transactionId,
          outside,
          (kind === 'deposit' ? amountMinor : -amountMinor).toString(),
          CURRENCY,
          traceId,
        ]);
        if (rows[0] === undefined) throw balanceTooLow();
        return answer(toTransaction(rows[0]), false);
      },
      { settings: PLANS_BY_KEY },
    );
  } catch (error) {
    if (sqlState(error) === NUMERIC_VALUE_OUT_OF_RANGE)
      throw badParameter('amount is more than a wallet can hold');
    throw error;
  }
}

async function lockWallet(tx: Queryable, player: PlayerRef): Promise<LockedWallet | undefined> {
  const { rows } = await tx.query<LockedWallet>(LOCK_WALLET, [
    player.platformId,
    player.platformUserId,
    CURRENCY,
  ]);
  return rows[0];
}

/** The first deposit creates the player. Two first deposits at once wait for each other at the player's unique key. */
async function openWallet(tx: Queryable, player: PlayerRef, playerId?: number): Promise<LockedWallet> {
  const key = [player.platformId, player.platformUserId];
  await tx.query(ADD_PLAYER, [...key, player.userName, playerId ?? null]);
  const added = (await tx.query<{ player_id: string }>(PLAYER_ID, key)).rows[0];
  if (added === undefined) throw new Error(`player ${key.join('/')} could not be added`);
  const account = await accountId(tx, 'wallet', added.player_id, CURRENCY);
  await tx.query(ADD_WALLET, [added.player_id, CURRENCY, account]);
  const wallet = await lockWallet(tx, player);
  if (wallet === undefined) throw new Error(`wallet of player ${key.join('/')} could not be opened`);
  return wallet;
}

async function findTransaction(
  on: Queryable,
  player: PlayerRef,
  transactionId: string,
): Promise<MoneyTransaction | undefined> {
  const { rows } = await on.query<TransactionRow>(TRANSACTION, [
    player.platformId,
    player.platformUserId,
    transactionId,
  ]);
  return rows[0] === undefined ? undefined : toTransaction(rows[0]);
}

function toTransaction(row: TransactionRow): MoneyTransaction {
  return {
    transactionId: row.transaction_id,
    kind: row.kind,
    amountMinor: BigInt(row.amount_minor),
    balanceMinor: BigInt(row.balance_after_minor),
    currency: row.currency,
    createdAtMs: row.created_at.getTime(),
  };
}

function answer(done: MoneyTransaction, replayed: boolean): MoneyAnswer {
  const { transactionId, balanceMinor, createdAtMs } = done;
  return { transactionId, balanceMinor, createdAtMs, replayed };
}

/** The player that old clients and the debug page expect in demo mode. */
export const DEMO_PLAYER: PlayerRef & { readonly playerId: number; readonly amountMinor: bigint } = {
  playerId: 9999,
  platformId: 99,
  platformUserId: '9999',
  userName: 'Chris',
  amountMinor: 100_000_000n,
};

/** Gives the demo player its 1,000,000.00, once in the life of the database. */
export async function seedDemoPlayer(database: Database): Promise<MoneyAnswer> {
  const { playerId, amountMinor, ...player } = DEMO_PLAYER;
  const request = { player, transactionId: 'demo-seed', amountMinor, traceId: 'demo-seed' };
  return move(database, 'deposit', request, playerId);
}
