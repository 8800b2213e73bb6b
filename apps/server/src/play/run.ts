import { randomBytes } from 'node:crypto';
import { Shoe } from '@dt/dragon-tiger';
import { forEachBounded } from './bounded.ts';
import type { GameApi } from './game-api.ts';
import { ExpectedLedger, paytableOf, type Refusals, type RoundMoney } from './ledger.ts';
import { planBets, type Player } from './plan.ts';
import { seededRandom } from './random.ts';
import { playRound, type PlayedRound } from './round.ts';

export interface RunOptions {
  readonly api: GameApi;
  readonly rounds: number;
  readonly players: number;
  readonly betsPerPlayer: number;
  /** Bets under way at once. */
  readonly concurrency: number;
  readonly minStakeMinor: bigint;
  readonly maxStakeMinor: bigint;
  /** Same seed, same bets and cards. */
  readonly seed: string;
  readonly gameId: string;
  /** @default the run's id: a room nobody else plays in */
  readonly roomId?: string;
  /** Betting stays open at least this long in each round. @default 0 */
  readonly bettingMs?: number;
  /** @default 0 */
  readonly stepPauseMs?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: RunProgress) => void;
  readonly onRound?: (round: RunRound) => void;
}

/** Where a run is. */
export type RunProgress =
  | { readonly phase: 'funding'; readonly done: number; readonly of: number }
  | { readonly phase: 'betting'; readonly round: number; readonly done: number; readonly of: number };

export interface RunRound extends PlayedRound, RoundMoney {
  /** From 1. */
  readonly number: number;
  readonly elapsedMs: number;
  /** From the start of the round to the last bet answered. */
  readonly bettingMs: number;
}

/** A player whose balance did not move as the cards say. */
export interface MoneyFault {
  readonly platformUserId: string;
  readonly expectedChangeMinor: bigint;
  readonly actualChangeMinor: bigint;
}

export interface RunReport {
  readonly runId: string;
  readonly seed: string;
  readonly rounds: number;
  /** The `bill_no` of every accepted order. */
  readonly billNos: readonly string[];
  /** Refused bets by code. */
  readonly refused: ReadonlyMap<number, Refusals>;
  readonly stakeMinor: bigint;
  readonly payoutMinor: bigint;
  /** What all balances moved by, as the server tells them. */
  readonly balanceChangeMinor: bigint;
  readonly moneyFaults: readonly MoneyFault[];
  readonly elapsedMs: number;
}

/** Plays rounds with players of its own and holds their balances against the cards. */
export async function runGame(options: RunOptions): Promise<RunReport> {
  const { api, seed, rounds, signal } = options;
  const started = performance.now();
  const runId = `play-${Date.now().toString(36)}${randomBytes(3).toString('hex')}`;
  const random = seededRandom(seed);
  const shoe = new Shoe({ random });
  const players: Player[] = Array.from({ length: options.players }, (_, index) => ({
    platformUserId: `${runId}-${index + 1}`,
    userName: `Player ${index + 1}`,
  }));
  const balances = await fund(options, runId, players);

  const ledger = new ExpectedLedger();
  for (let number = 1; number <= rounds; number++) {
    const round = { roundId: `${runId}-r${number}`, gameId: options.gameId, roomId: options.roomId ?? runId };
    const bets = planBets({ ...options, roundId: round.roundId, players, random });
    const roundStarted = performance.now();
    let bettingMs = 0;
    const onBet = (done: number): void => {
      bettingMs = performance.now() - roundStarted;
      options.onProgress?.({ phase: 'betting', round: number, done, of: bets.length });
    };
    const played = await playRound({ ...options, round, bets, cards: shoe.deal(), onBet });
    const elapsedMs = performance.now() - roundStarted;
    const money = ledger.add(played, await paytableOf(api, round.roundId, signal));
    options.onRound?.({ ...played, ...money, number, elapsedMs, bettingMs });
  }

  const { billNos, refused, stakeMinor, payoutMinor } = ledger;
  const money = await compareBalances(options, players, balances, ledger);
  const elapsedMs = performance.now() - started;
  return { runId, seed, rounds, billNos, refused, stakeMinor, payoutMinor, ...money, elapsedMs };
}

/** Holds what each balance moved by against the ledger. */
async function compareBalances(
  { api, concurrency, signal }: RunOptions,
  players: readonly Player[],
  before: ReadonlyMap<string, bigint>,
  ledger: ExpectedLedger,
): Promise<Pick<RunReport, 'moneyFaults' | 'balanceChangeMinor'>> {
  const moneyFaults: MoneyFault[] = [];
  let balanceChangeMinor = 0n;
  await forEachBounded(players, concurrency, async (player) => {
    const { platformUserId } = player;
    const expectedChangeMinor = ledger.changeOf(platformUserId);
    const actualChangeMinor = (await api.balanceMinor(player, signal)) - (before.get(platformUserId) ?? 0n);
    balanceChangeMinor += actualChangeMinor;
    if (actualChangeMinor !== expectedChangeMinor) {
      moneyFaults.push({ platformUserId, expectedChangeMinor, actualChangeMinor });
    }
  });
  return { moneyFaults, balanceChangeMinor };
}

/** Gives every player enough to lose every bet of the run, and notes what they then have. */
async function fund(
  options: RunOptions,
  runId: string,
  players: readonly Player[],
): Promise<Map<string, bigint>> {
  const { api, signal, concurrency } = options;
  const amountMinor = options.maxStakeMinor * BigInt(options.rounds * options.betsPerPlayer);
  const balances = new Map<string, bigint>();
  await forEachBounded(players, concurrency, async (player) => {
    await api.deposit(player, `${runId}-stake`, amountMinor, signal);
    balances.set(player.platformUserId, await api.balanceMinor(player, signal));
    options.onProgress?.({ phase: 'funding', done: balances.size, of: players.length });
  });
  return balances;
}
