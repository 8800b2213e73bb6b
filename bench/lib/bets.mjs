// Bets and settlement over HTTP, and the same rows written by plain SQL.
import { performance } from 'node:perf_hooks';
import {
  GameApi,
  forEachBounded,
  outboxMark,
  planBets,
  seededRandom,
} from '../../apps/server/dist/play/index.js';
import { timed } from './report.mjs';
import { ADMIN_TOKEN } from './stage.mjs';

const ORDERS = 10_000;
const WARM_UP_ORDERS = 2_000;
/** No further round is begun after this time: a slow machine is measured once. */
const ENOUGH_MS = 30_000;
const PLAYERS = 1_000;
const CONCURRENCY = 64;
const PLAIN_BETS = 2_000;
const PLAIN_CONNECTIONS = 20;
const MAX_STAKE_MINOR = 10_000n;
// A dragon wins: about 40 % of the orders are paid, so every kind of row is written.
const CARDS = 'D12,T4,R';

/**
 * Rounds of 10,000 orders after a smaller one that warms up. Each round is followed at once by the plain way to do the
 * same, so that both meet the machine in the same mood. Gives one figure a round.
 */
export async function playRounds({ baseUrl, pool, rounds, say }) {
  const api = new GameApi({ baseUrl, adminToken: ADMIN_TOKEN, maxConnections: CONCURRENCY });
  try {
    const random = seededRandom('road');
    const players = Array.from({ length: PLAYERS }, (_, n) => ({
      platformUserId: `bench-${n}`,
      userName: `Bench ${n}`,
    }));
    const money = (MAX_STAKE_MINOR * BigInt((rounds + 1) * ORDERS)) / BigInt(PLAYERS);
    await forEachBounded(players, CONCURRENCY, (player) => api.deposit(player, 'stake', money));
    const plan = (roundId, orders) =>
      planBets({
        roundId,
        players,
        betsPerPlayer: orders / PLAYERS,
        random,
        minStakeMinor: 100n,
        maxStakeMinor: MAX_STAKE_MINOR,
      });
    await measureRound({ api, pool, roundId: 'bench-warm-up', bets: plan('bench-warm-up', WARM_UP_ORDERS) });
    const figures = [];
    const started = performance.now();
    for (let number = 1; number <= rounds && performance.now() - started < ENOUGH_MS; number++) {
      const roundId = `bench-${number}`;
      const figure = await measureRound({ api, pool, roundId, bets: plan(roundId, ORDERS) });
      figures.push(figure);
      const { betsPerSecond, plainBetsPerSecond, settleMs, plainSettleMs } = figure;
      say(`  bets/s ${Math.round(betsPerSecond)}, plain ${Math.round(plainBetsPerSecond)};`);
      say(`  settled in ${Math.round(settleMs)} ms, plain ${Math.round(plainSettleMs)} ms`);
    }
    return figures;
  } finally {
    api.close();
  }
}

async function measureRound({ api, pool, roundId, bets }) {
  const round = { roundId, gameId: 'dt_game', roomId: 'bench' };
  await api.event(round, 1);
  const markBeforeBets = await outboxMark(pool);
  const bet = async (planned) => void (await api.bet(round, planned));
  const betsMs = await timed(() => forEachBounded(bets, CONCURRENCY, bet));
  for (const event of [2, 3, 4]) await api.event(round, event);
  await keepUnsettled(pool, roundId);
  const markBeforeDraw = await outboxMark(pool);
  const settleMs = await timed(() => api.drawResult(round, CARDS));
  const plainSettleMs = await settlePlainly({ pool, roundId, markBeforeDraw });
  await api.event(round, 5);
  const plainBetsPerSecond = await betPlainly({ pool, roundId, markBeforeBets });
  return { betsPerSecond: (bets.length * 1000) / betsMs, plainBetsPerSecond, settleMs, plainSettleMs };
}

/** Tables of the same shape, with the same indexes and checks, without the server's triggers and foreign keys. */
export async function copyTables(pool) {
  await pool.query('CREATE SCHEMA bench');
  for (const table of ['orders', 'transfers', 'wallets', 'outbox']) {
    await pool.query(
      `CREATE TABLE bench.${table} (LIKE public.${table} INCLUDING ALL EXCLUDING GENERATED EXCLUDING IDENTITY)`,
    );
  }
}

const emptyCopies = 'TRUNCATE bench.orders, bench.transfers, bench.wallets, bench.outbox';

/** Bets a second when a program does nothing but write a bet's rows, a transaction a bet. */
async function betPlainly({ pool, roundId, markBeforeBets }) {
  const { rows } = await pool.query(
    `SELECT o.bill_no, o.player_id, o.currency, o.stake_minor, x.id AS outbox_id
       FROM orders o JOIN outbox x ON x.message_key = o.bill_no || ':1:bet_placed' AND x.id > $2::bigint
      WHERE o.round_id = $1 ORDER BY o.order_id LIMIT $3`,
    [roundId, markBeforeBets, PLAIN_BETS],
  );
  await pool.query(emptyCopies);
  await pool.query('INSERT INTO bench.wallets SELECT * FROM wallets');
  const write = async (bet) => {
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(
        'UPDATE bench.wallets SET balance_minor = balance_minor - $3, updated_at = now() WHERE player_id = $1 AND currency = $2',
        [bet.player_id, bet.currency, bet.stake_minor],
      );
      await client.query('INSERT INTO bench.orders SELECT * FROM orders WHERE bill_no = $1', [bet.bill_no]);
      await client.query(
        `INSERT INTO bench.transfers SELECT * FROM transfers WHERE kind = 'bet' AND reference = $1 AND revision = 1`,
        [bet.bill_no],
      );
      await client.query('INSERT INTO bench.outbox SELECT * FROM outbox WHERE id = $1', [bet.outbox_id]);
      await client.query('COMMIT');
    } finally {
      client.release();
    }
  };
  const ms = await timed(() => forEachBounded(rows, PLAIN_CONNECTIONS, write));
  return (rows.length * 1000) / ms;
}

/** Orders and wallets as they are before the settlement, for {@link settlePlainly} to change. */
async function keepUnsettled(pool, roundId) {
  await pool.query(emptyCopies);
  await pool.query('INSERT INTO bench.orders SELECT * FROM orders WHERE round_id = $1', [roundId]);
  await pool.query('INSERT INTO bench.wallets SELECT * FROM wallets');
  await pool.query('ANALYZE bench.orders, bench.wallets');
}

/** Ms to write the rows that the settlement wrote, known beforehand, in one transaction of four statements. */
async function settlePlainly({ pool, roundId, markBeforeDraw }) {
  const client = await pool.connect();
  try {
    return await timed(async () => {
      await client.query('BEGIN');
      await client.query(
        `UPDATE bench.orders b SET bill_status = o.bill_status, game_result = o.game_result, payout_minor = o.payout_minor, updated_at = o.updated_at
           FROM orders o WHERE o.round_id = $1 AND b.round_id = $1 AND b.player_id = o.player_id AND b.order_id = o.order_id`,
        [roundId],
      );
      await client.query(
        `INSERT INTO bench.transfers SELECT * FROM transfers WHERE round_id = $1 AND kind <> 'bet'`,
        [roundId],
      );
      await client.query(
        `UPDATE bench.wallets b SET balance_minor = w.balance_minor, updated_at = w.updated_at
           FROM wallets w WHERE w.player_id = b.player_id AND w.currency = b.currency
            AND w.player_id IN (SELECT player_id FROM orders WHERE round_id = $1)`,
        [roundId],
      );
      await client.query(
        `INSERT INTO bench.outbox SELECT * FROM outbox WHERE id > $1::bigint AND tag IN ('order_settled', 'game_drawn')`,
        [markBeforeDraw],
      );
      await client.query('COMMIT');
    });
  } finally {
    client.release();
  }
}
