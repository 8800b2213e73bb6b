import { setImmediate as turn } from 'node:timers/promises';
import { checkText } from '../wallet/index.ts';
import { badParameter } from './errors.ts';
import type { BetOutcome } from './place-bets.ts';
import type { PlaceBetRequest, PlacedBet } from './types.ts';

export interface BetDeskOptions {
  /** Places bets of one round in one transaction and answers each in its place. */
  readonly place: (requests: readonly PlaceBetRequest[]) => Promise<readonly BetOutcome[]>;
  /** Most bets of one transaction. @default 128 */
  readonly maxBatch?: number;
  /** Most bets that wait, over all rounds; one more is refused at once. @default 10000 */
  readonly maxWaiting?: number;
  /** How long a bet waits for its transaction to begin. @default 3000 */
  readonly waitTimeoutMs?: number;
}

/** The desk is too busy. Nothing was done; the same request may be sent again. */
export class DeskBusyError extends Error {
  override readonly name = 'DeskBusyError';
  readonly code = 'desk-busy';
  readonly retryable = true;
}

interface Waiting {
  readonly request: PlaceBetRequest;
  readonly resolve: (placed: PlacedBet) => void;
  readonly reject: (error: Error) => void;
}

/** Bets of one round behind the batch that is under way, each with the timer of its patience. */
type Line = Map<Waiting, NodeJS.Timeout>;

/**
 * Gathers bets of a round while an earlier batch of it is under way, and places them together: a commit of many costs
 * little more than a commit of one. A bet that comes alone goes at once; nothing is ever held back to wait for company.
 */
export class BetDesk {
  readonly #place: BetDeskOptions['place'];
  readonly #maxBatch: number;
  readonly #maxWaiting: number;
  readonly #waitTimeoutMs: number;
  /** Rounds with a batch under way, and what waits for the next. */
  readonly #lines = new Map<string, Line>();
  #waiting = 0;

  constructor({ place, maxBatch = 128, maxWaiting = 10_000, waitTimeoutMs = 3000 }: BetDeskOptions) {
    this.#place = place;
    this.#maxBatch = maxBatch;
    this.#maxWaiting = maxWaiting;
    this.#waitTimeoutMs = waitTimeoutMs;
  }

  async placeBet(request: PlaceBetRequest): Promise<PlacedBet> {
    check(request);
    return new Promise((resolve, reject) => {
      const bet = { request, resolve, reject };
      const line = this.#lines.get(request.roundId);
      if (line === undefined) void this.#serve(request.roundId, bet);
      else if (this.#waiting < this.#maxWaiting) this.#enter(line, bet);
      else reject(new DeskBusyError(`${this.#waiting} bets are waiting already`));
    });
  }

  #enter(line: Line, bet: Waiting): void {
    const timer = setTimeout(() => {
      line.delete(bet);
      this.#waiting -= 1;
      bet.reject(new DeskBusyError(`the bet waited ${this.#waitTimeoutMs} ms for its turn`));
    }, this.#waitTimeoutMs);
    line.set(bet, timer);
    this.#waiting += 1;
  }

  async #serve(roundId: string, first: Waiting): Promise<void> {
    const line: Line = new Map();
    this.#lines.set(roundId, line);
    for (let batch = [first]; batch.length > 0; batch = this.#next(line)) {
      await this.#run(batch);
      // One turn of the event loop: those just answered, and requests already in the socket, come along.
      await turn();
    }
    this.#lines.delete(roundId);
  }

  #next(line: Line): Waiting[] {
    const batch: Waiting[] = [];
    for (const [bet, timer] of line) {
      if (batch.length === this.#maxBatch) break;
      clearTimeout(timer);
      line.delete(bet);
      batch.push(bet);
    }
    this.#waiting -= batch.length;
    return batch;
  }

  async #run(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await this.#place(batch.map(({ request }) => request));
      for (const [index, waiting] of batch.entries()) settle(waiting, outcomes[index]);
    } catch (error) {
      if (batch.length > 1 && isAboutData(error)) {
        // One of them carries what the database does not take: it must not take the others with it.
        for (const waiting of batch) await this.#run([waiting]);
        return;
      }
      const cause = error instanceof Error ? error : new Error(String(error));
      for (const { reject } of batch) reject(cause);
    }
  }
}

function settle({ resolve, reject }: Waiting, outcome: BetOutcome | undefined): void {
  if (outcome?.placed !== undefined) resolve(outcome.placed);
  else reject(outcome?.refused ?? new Error('a bet of the batch got no answer'));
}

/** SQLSTATE classes 22 (data) and 23 (constraints), and what the outbox refuses before any SQL. */
function isAboutData(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  return error.code === 'invalid-message' || /^2[23]...$/.test(String(error.code));
}

function check(request: PlaceBetRequest): void {
  checkText('game_round_id', request.roundId);
  checkText('idempotency_key', request.idempotencyKey);
  checkText('platform_user_id', request.player.platformUserId);
  if (request.amountMinor <= 0n) throw badParameter('bet amount must be positive');
  if (!Number.isSafeInteger(request.playType)) throw badParameter('play_type must be 1|2|3');
}
