import { randomUUID } from 'node:crypto';
import type { Database, DatabaseOptions } from '../../src/database/index.ts';
import {
  createGame,
  type EventType,
  type Game,
  type PlaceBetRequest,
  type PlacedBet,
  type PlayerRef,
  type TableRules,
} from '../../src/game/index.ts';
import { createWallet, type Wallet } from '../../src/wallet/index.ts';
import { openDatabase } from '../database/open-database.ts';

export const RULES: TableRules = {
  paytable: 'classic',
  bettingSeconds: 45,
  minBetMinor: 100n,
  maxBetMinor: 100_000_000n,
  maxPlayerRoundMinor: 1_000_000_000n,
  maxRoundLiabilityMinor: 100_000_000_000_000n,
};

export const TOPIC = 'dt_settle';

/** A game on a database of its own, with short ways to play it. */
export interface Table {
  readonly database: Database;
  readonly connectionString: string;
  readonly game: Game;
  readonly wallet: Wallet;
  /** A player nobody has seen before, with that much money. */
  player(balanceMinor?: bigint): Promise<PlayerRef>;
  /** Starts a round in a room of its own and gives its id, which is also the room's and the game's. */
  start(): Promise<string>;
  event(roundId: string, eventType: EventType): Promise<void>;
  events(roundId: string, ...eventTypes: EventType[]): Promise<void>;
  bet(
    player: PlayerRef,
    roundId: string,
    playType: number,
    amountMinor: bigint,
    key?: string,
  ): Promise<PlacedBet>;
  draw(roundId: string, cardList: string): Promise<void>;
  balance(player: PlayerRef): Promise<bigint>;
  readonly close: () => Promise<void>;
}

export async function openTable(
  rules: Partial<TableRules> = {},
  options: Partial<DatabaseOptions> = {},
): Promise<Table> {
  const { database, connectionString, close } = await openDatabase(options);
  const game = createGame({ database, config: { default: { ...RULES, ...rules } }, topic: TOPIC });
  const wallet = createWallet({ database });
  let made = 0;
  const event = async (roundId: string, eventType: EventType): Promise<void> => {
    await game.event({
      roundId,
      eventType,
      gameId: roundId,
      roomId: roundId,
      actor: 'dealer-1',
      traceId: 't-event',
    });
  };
  return {
    database,
    connectionString,
    game,
    wallet,
    async player(balanceMinor = 100_000n) {
      made += 1;
      const player = { platformId: 1, platformUserId: `player-${made}`, userName: `Player ${made}` };
      if (balanceMinor > 0n) {
        await wallet.deposit({
          player,
          transactionId: 'first',
          amountMinor: balanceMinor,
          traceId: 't-money',
        });
      }
      return player;
    },
    async start() {
      const roundId = `round-${(made += 1)}`;
      await event(roundId, 1);
      return roundId;
    },
    event,
    async events(roundId, ...eventTypes) {
      for (const eventType of eventTypes) await event(roundId, eventType);
    },
    bet: (player, roundId, playType, amountMinor, key = randomUUID()) =>
      game.placeBet(betOf(player, roundId, playType, amountMinor, key)),
    draw: (roundId, cardList) => game.drawResult({ roundId, cardList, actor: 'dealer-1', traceId: 't-draw' }),
    balance: async (player) => (await wallet.balance(player)).balanceMinor,
    close,
  };
}

export function betOf(
  player: PlayerRef,
  roundId: string,
  playType: number,
  amountMinor: bigint,
  idempotencyKey: string,
): PlaceBetRequest {
  return {
    player,
    gameId: roundId,
    roomId: roundId,
    roundId,
    playType,
    amountMinor,
    idempotencyKey,
    traceId: `t-${idempotencyKey}`,
  };
}

/** The code of the refusal that a promise ends in; fails the test when it ends well. */
export async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome))
    throw new Error(
      `not refused: ${JSON.stringify(outcome.value, (_, v: unknown) => (typeof v === 'bigint' ? v.toString() : v))}`,
    );
  const { error } = outcome;
  if (error instanceof Error && 'code' in error) return error.code;
  throw error;
}
