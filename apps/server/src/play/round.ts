import { setTimeout as pause } from 'node:timers/promises';
import { formatCardList, type RoundCards } from '@dt/dragon-tiger';
import { forEachBounded } from './bounded.ts';
import { CallError, isRefusal } from './call-error.ts';
import { type GameApi, ROUND_STATUS, type RoundRef } from './game-api.ts';
import type { PlannedBet } from './plan.ts';

/** A bet the server took. */
export interface AcceptedBet extends PlannedBet {
  readonly billNo: string;
}

/** A bet the server refused by its rules. */
export interface RefusedBet extends PlannedBet {
  readonly code: number;
  readonly message: string;
}

export interface PlayRoundOptions {
  readonly api: GameApi;
  readonly round: RoundRef;
  readonly bets: readonly PlannedBet[];
  readonly cards: RoundCards;
  /** Bets under way at once. */
  readonly concurrency: number;
  /** Betting stays open at least this long, with the bets spread over it. 0: as fast as it goes. @default 0 */
  readonly bettingMs?: number;
  /** Between the dealer's steps after betting. @default 0 */
  readonly stepPauseMs?: number;
  readonly signal?: AbortSignal;
  /** After each bet that was answered. */
  readonly onBet?: (answered: number) => void;
}

export interface PlayedRound {
  readonly round: RoundRef;
  readonly cards: RoundCards;
  readonly accepted: readonly AcceptedBet[];
  readonly refused: readonly RefusedBet[];
}

/** The dealer's steps after the start, each with the status it leads to. */
const STEPS = [
  { event: 2, reaches: ROUND_STATUS.sealed },
  { event: 3, reaches: ROUND_STATUS.dealing },
  { event: 4, reaches: ROUND_STATUS.drawn },
  { event: 'draw', reaches: ROUND_STATUS.settled },
  { event: 5, reaches: ROUND_STATUS.ended },
] as const;

/** Plays one whole round: start, bets, stop, cards, draw, result, end. */
export async function playRound(options: PlayRoundOptions): Promise<PlayedRound> {
  const { api, round, cards, signal } = options;
  await api.event(round, 1, signal);
  const placed = await placeBets(options);
  await finishRound({ ...options, from: ROUND_STATUS.betting });
  return { round, cards, ...placed };
}

async function placeBets(options: PlayRoundOptions): Promise<Pick<PlayedRound, 'accepted' | 'refused'>> {
  const { api, round, bets, concurrency, bettingMs = 0, signal, onBet } = options;
  const accepted: AcceptedBet[] = [];
  const refused: RefusedBet[] = [];
  const opened = performance.now();
  await forEachBounded(bets, concurrency, async (bet, index) => {
    // The last tenth of the time is left free: a bet that is under way then still gets in.
    await pauseUntil(opened + (bettingMs * 0.9 * index) / bets.length, signal);
    try {
      const { billNo } = await api.bet(round, bet, signal);
      accepted.push({ ...bet, billNo });
    } catch (error) {
      if (!(error instanceof CallError) || error.failure !== 'refused' || error.code === 0) throw error;
      refused.push({ ...bet, code: error.code, message: error.message });
    }
    onBet?.(accepted.length + refused.length);
  });
  await pauseUntil(opened + bettingMs, signal);
  return { accepted, refused };
}

/** Takes a round that is open in any state to its end. Steps that were done before are not done again. */
export async function finishRound(
  options: Pick<PlayRoundOptions, 'api' | 'round' | 'cards' | 'stepPauseMs' | 'signal'> & { from?: number },
): Promise<void> {
  const { api, round, cards, stepPauseMs = 0, signal } = options;
  const from = options.from ?? (await api.round(round.roundId, signal)).status;
  for (const { event, reaches } of STEPS.filter((step) => step.reaches > from)) {
    try {
      if (event === 'draw') await api.drawResult(round, formatCardList(cards), signal);
      else await api.event(round, event, signal);
    } catch (error) {
      // Somebody else moved the round meanwhile, as the server itself does when betting time is over.
      if (!isRefusal(error, 2003, 2008) || (await api.round(round.roundId, signal)).status < reaches)
        throw error;
    }
    if (stepPauseMs > 0 && reaches < ROUND_STATUS.ended)
      await pause(stepPauseMs, undefined, signal && { signal });
  }
}

async function pauseUntil(time: number, signal?: AbortSignal): Promise<void> {
  const leftMs = time - performance.now();
  if (leftMs > 0) await pause(leftMs, undefined, signal && { signal });
}
