import type { RandomBelow } from '@dt/dragon-tiger';

/** A player as the driver names it to the server. */
export interface Player {
  readonly platformUserId: string;
  readonly userName: string;
}

/** One bet to be placed. */
export interface PlannedBet {
  readonly player: Player;
  readonly playType: number;
  readonly stakeMinor: bigint;
  readonly idempotencyKey: string;
}

export interface PlanOptions {
  readonly roundId: string;
  readonly players: readonly Player[];
  readonly betsPerPlayer: number;
  /** Minor units, both ends included. */
  readonly minStakeMinor: bigint;
  readonly maxStakeMinor: bigint;
  readonly random: RandomBelow;
}

const DRAGON = 1;
const TIGER = 2;
const TIE = 3;

/**
 * The bets of a round: each player takes one side, as the rules want it, and now and then a tie beside it.
 * Players take turns, so that those who bet at the same time are different ones.
 */
export function planBets(options: PlanOptions): PlannedBet[] {
  const { roundId, players, betsPerPlayer, minStakeMinor, maxStakeMinor, random } = options;
  const sides = players.map(() => (random(2) === 0 ? DRAGON : TIGER));
  const span = Number(maxStakeMinor - minStakeMinor) + 1;
  return Array.from({ length: betsPerPlayer }, (_, turn) =>
    players.map((player, index) => ({
      player,
      playType: random(5) === 0 ? TIE : (sides[index] ?? DRAGON),
      stakeMinor: minStakeMinor + BigInt(random(span)),
      idempotencyKey: `${roundId}.${turn}`,
    })),
  ).flat();
}
