import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Shoe } from '@dt/dragon-tiger';
import { type Config, gameRules } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import {
  finishRound,
  forEachBounded,
  GameApi,
  isRefusal,
  outboxMark,
  planBets,
  type Player,
  playRound,
  type Queries,
  type RoundRef,
} from '../play/index.ts';
import { awaitRoundDelivery } from './delivery.ts';
import { formatSummary, type RoundSummary } from './summary.ts';

export interface DemoOptions {
  /** The server to play on: usually the one in this process. */
  readonly baseUrl: string;
  readonly config: Pick<Config, 'auth' | 'demo' | 'game' | 'rocketmq'>;
  readonly log: Log;
  /** For the delivery figures of the summary. Without it the summary has none. */
  readonly database?: Queries;
  /** Called with each finished round; by default it is a line of the log. */
  readonly onRound?: (summary: RoundSummary) => void;
}

export interface DemoTable {
  /** Stops between two steps; an open round is taken up again by the next start. Bounded by one call's time-out. */
  close(): Promise<void>;
}

const CALL_TIMEOUT_MS = 5_000;
const STEP_PAUSE_MS = 150;
/** Messages need a moment from the settlement to the inbox; a broker that is away must not stop the game. */
const DELIVERY_TIMEOUT_MS = 3_000;
/** After a failure; doubled with each further one. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const BETS_AT_ONCE = 8;
/** Of the table's lowest bet. */
const HIGHEST_STAKE_FACTOR = 200n;
/** Of the highest stake: players are topped up seldom. */
const TOP_UP_FACTOR = 100n;

/**
 * Starts a table that plays round after round with a dealer and players of its own, over HTTP like any client.
 * Without demo mode its players could not log in: then it says so and stays empty.
 */
export function startDemo(options: DemoOptions): DemoTable {
  if (!options.config.auth.demo_mode) {
    options.log.warn('demo: no table is played: it needs auth.demo_mode: true');
    return { close: () => Promise.resolve() };
  }
  const stop = new AbortController();
  const table = new Table(options, stop.signal);
  const running = table.run();
  return {
    async close() {
      stop.abort(new Error('the demo table is closed'));
      await running;
    },
  };
}

class Table {
  readonly #options: DemoOptions;
  readonly #signal: AbortSignal;
  readonly #api: GameApi;
  readonly #shoe = new Shoe();
  readonly #players: readonly Player[];
  readonly #bettingMs: number;
  readonly #minStakeMinor: bigint;
  readonly #maxStakeMinor: bigint;

  constructor(options: DemoOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const { demo, game } = options.config;
    const { default: common, tables } = gameRules(game);
    const rules = tables[demo.room_id] ?? common;
    this.#bettingMs = Math.min(demo.betting_seconds, rules.bettingSeconds) * 1000;
    this.#minStakeMinor = rules.minBetMinor;
    this.#maxStakeMinor = min(
      rules.minBetMinor * HIGHEST_STAKE_FACTOR,
      rules.maxBetMinor,
      rules.maxPlayerRoundMinor,
    );
    this.#players = Array.from({ length: options.config.demo.players }, (_, index) => ({
      platformUserId: `demo_player_${index + 1}`,
      userName: `Demo player ${index + 1}`,
    }));
    this.#api = new GameApi({
      baseUrl: options.baseUrl,
      adminToken: options.config.auth.admin.token,
      maxConnections: BETS_AT_ONCE,
      timeoutMs: CALL_TIMEOUT_MS,
      // An answer that did not come may have been done: the same call with the same key settles which.
      retry: { forMs: CALL_TIMEOUT_MS },
    });
  }

  async run(): Promise<void> {
    try {
      for (let pauseMs = FIRST_PAUSE_MS; !this.#signal.aborted;) {
        try {
          const summary = await this.#playOne();
          if (this.#options.onRound === undefined)
            this.#options.log.info(formatSummary(summary), 'round settled');
          else this.#options.onRound(summary);
          pauseMs = FIRST_PAUSE_MS;
          await this.#pause(this.#options.config.demo.pause_seconds * 1000);
        } catch (err) {
          if (this.#signal.aborted) break;
          this.#options.log.warn({ err, retryInMs: pauseMs }, 'demo: round interrupted');
          await this.#pause(pauseMs);
          pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        }
      }
    } catch (err) {
      if (!this.#signal.aborted) this.#options.log.error({ err }, 'demo: table stopped');
    } finally {
      this.#api.close();
    }
  }

  async #playOne(): Promise<RoundSummary> {
    const { database } = this.#options;
    await this.#topUp();
    const mark = database === undefined ? undefined : await outboxMark(database);
    const round = this.#ref(`demo-${Date.now()}`);
    const bets = planBets({
      roundId: round.roundId,
      players: this.#players,
      betsPerPlayer: 1,
      minStakeMinor: this.#minStakeMinor,
      maxStakeMinor: this.#maxStakeMinor,
      random: (limit) => randomInt(limit),
    });
    const common = {
      api: this.#api,
      cards: this.#shoe.deal(),
      stepPauseMs: STEP_PAUSE_MS,
      signal: this.#signal,
    };
    try {
      await playRound({
        ...common,
        round,
        bets,
        concurrency: BETS_AT_ONCE,
        bettingMs: this.#bettingMs,
      });
    } catch (error) {
      const open = openRoundOf(error);
      if (open === undefined || open === round.roundId) throw error;
      await finishRound({ ...common, round: this.#ref(open) });
      // The messages of its bets were written before this run: they are not before the mark of this round.
      return this.#summarize(open, '0', true);
    }
    return this.#summarize(round.roundId, mark, false);
  }

  async #summarize(roundId: string, mark: string | undefined, resumed: boolean): Promise<RoundSummary> {
    const { settlement, status } = await this.#api.round(roundId, this.#signal);
    if (settlement === undefined)
      throw new Error(`round ${roundId} ended without a result (status ${status})`);
    const { database, config } = this.#options;
    const delivery =
      database === undefined || mark === undefined
        ? undefined
        : await awaitRoundDelivery(database, {
            roundId,
            mark,
            consumerGroup: config.rocketmq.consumer_group,
            timeoutMs: DELIVERY_TIMEOUT_MS,
            signal: this.#signal,
          });
    return {
      roundId,
      cardList: settlement.cardList,
      result: settlement.result,
      bets: settlement.orders,
      stakeMinor: settlement.stakeMinor,
      payoutMinor: settlement.payoutMinor,
      outbox: delivery && { sent: delivery.outboxSent, of: delivery.messages },
      inboxApplied: delivery?.inboxApplied,
      resumed,
    };
  }

  /** Players of a demo never run out of money. */
  async #topUp(): Promise<void> {
    await forEachBounded(this.#players, BETS_AT_ONCE, async (player) => {
      if ((await this.#api.balanceMinor(player, this.#signal)) >= this.#maxStakeMinor) return;
      await this.#api.deposit(
        player,
        `demo-${Date.now()}`,
        this.#maxStakeMinor * TOP_UP_FACTOR,
        this.#signal,
      );
    });
  }

  #ref(roundId: string): RoundRef {
    return { roundId, gameId: this.#options.config.demo.game_id, roomId: this.#options.config.demo.room_id };
  }

  #pause(ms: number): Promise<void> {
    return pause(ms, undefined, { signal: this.#signal });
  }
}

const min = (...amounts: bigint[]): bigint => amounts.reduce((least, next) => (next < least ? next : least));

/** The round that the server says is still open in the room: its refusal to start another ends with the id. */
function openRoundOf(error: unknown): string | undefined {
  if (!isRefusal(error, 2003)) return undefined;
  return /: (.+)$/s.exec(error.reply)?.[1];
}
