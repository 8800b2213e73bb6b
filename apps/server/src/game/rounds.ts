import { findPaytable } from '@dt/dragon-tiger';
import { enqueue, type OutboxMessage, prepared } from '@dt/outbox';
import { type Database, type Queryable } from '../database/index.ts';
import { accountId, checkText, CURRENCY } from '../wallet/index.ts';
import { roundNotFound, stateRefused, type BusinessError } from './errors.ts';
import { stepOf, type Step } from './life.ts';
import { gameDrawReady, gameEnded, gameStarted, type MessageContext, type MessageRound } from './messages.ts';
import {
  AUDIT,
  IS_DUE,
  LOCK_ROUND,
  OPEN_ROUND_OF_ROOM,
  ROUND,
  SEAL_DUE,
  START_ROUND,
  STEP_ROUND,
  type RoundRow,
} from './rounds.sql.ts';
import type {
  EventAnswer,
  EventRequest,
  EventType,
  GameConfig,
  GameStarted,
  RoundState,
  TableRules,
} from './types.ts';

export interface RoundsOptions {
  readonly database: Database;
  readonly config: GameConfig;
  readonly topic: string;
}

/** Moves rounds through their life, except for settling. */
export class Rounds {
  readonly #database: Database;
  #config: GameConfig;
  readonly #topic: string;

  constructor({ database, config, topic }: RoundsOptions) {
    this.#database = database;
    this.#topic = topic;
    this.#config = checked(config);
  }

  /** Rules for rounds that start from now on. */
  configure(config: GameConfig): void {
    this.#config = checked(config);
  }

  async event(request: EventRequest): Promise<EventAnswer> {
    checkText('game_round_id', request.roundId);
    const done = await this.#database.transaction((tx) =>
      request.eventType === 1 ? this.#start(tx, request) : this.#step(tx, request, request.eventType),
    );
    // A refusal is thrown after the commit: a round found past its deadline stays sealed.
    if ('refused' in done) throw done.refused;
    return done;
  }

  async sealDue(): Promise<number> {
    const { rowCount } = await this.#database.query(SEAL_DUE);
    return rowCount ?? 0;
  }

  async #start(tx: Queryable, request: EventRequest): Promise<EventAnswer | Refused> {
    const { roundId, gameId = '', roomId = '' } = request;
    checkText('game_id', gameId, { min: 0 });
    checkText('room_id', roomId, { min: 0 });
    const rules = this.#rulesOf(roomId);
    const paytable = findPaytable(rules.paytable);
    if (paytable === undefined) throw new TypeError(`game: no paytable ${rules.paytable}`);
    const escrow = await accountId(tx, 'escrow', `r:${roomId}`, CURRENCY);
    const { rows } = await tx.query<RoundRow>(START_ROUND, [
      roundId,
      gameId,
      roomId,
      rules.bettingSeconds,
      paytable.id,
      paytable.version,
      rules.minBetMinor.toString(),
      rules.maxBetMinor.toString(),
      rules.maxPlayerRoundMinor.toString(),
      rules.maxRoundLiabilityMinor.toString(),
      escrow,
      request.traceId,
    ]);
    const round = rows[0];
    if (round === undefined) return this.#startedBefore(tx, roundId, gameId, roomId);
    const data = startedOf(round);
    await audit(tx, request, 'created', 'betting');
    await enqueue(prepared(tx), [gameStarted(this.#context(request), messageRound(round), data)]);
    return { data };
  }

  /** The id is taken (a repeated start, or another round's id), or another round is open in the room. */
  async #startedBefore(
    tx: Queryable,
    roundId: string,
    gameId: string,
    roomId: string,
  ): Promise<EventAnswer | Refused> {
    const before = (await tx.query<RoundRow>(ROUND, [roundId])).rows[0];
    if (before !== undefined) {
      if (before.game_id === gameId && before.room_id === roomId) return { data: startedOf(before) };
      return { refused: stateRefused({ roundId, gameId: before.game_id, roomId: before.room_id }) };
    }
    const open = (await tx.query<{ round_id: string }>(OPEN_ROUND_OF_ROOM, [roomId])).rows[0];
    return { refused: stateRefused({ roomId, openRoundId: open?.round_id ?? null }, open?.round_id) };
  }

  async #step(
    tx: Queryable,
    request: EventRequest,
    event: Exclude<EventType, 1>,
  ): Promise<EventAnswer | Refused> {
    const round = (await tx.query<RoundRow>(LOCK_ROUND, [request.roundId])).rows[0];
    if (round === undefined) return { refused: roundNotFound({ roundId: request.roundId }) };
    const state = await this.#sealIfDue(tx, round);
    const step = stepOf(state, event);
    if (step === 'refused') return { refused: stateRefused({ roundId: request.roundId, state, event }) };
    if (step === 'repeated') return {};
    await tx.query(STEP_ROUND, [round.round_id, step.to, step.to === 'sealed' ? 'dealer' : null]);
    await audit(tx, request, step.from, step.to);
    await enqueue(prepared(tx), this.#messagesOf(step, request, round));
    return {};
  }

  /** The deadline holds whether or not a timer has come by since. */
  async #sealIfDue(tx: Queryable, round: RoundRow): Promise<RoundState> {
    if (round.state !== 'betting') return round.state;
    const { rows } = await tx.query<{ due: boolean }>(IS_DUE, [round.deadline_at]);
    if (rows[0]?.due !== true) return round.state;
    await tx.query(STEP_ROUND, [round.round_id, 'sealed', 'deadline']);
    await tx.query(AUDIT, [
      round.round_id,
      'transition',
      2,
      'betting',
      'sealed',
      'system',
      'deadline',
      '{}',
      round.trace_id,
    ]);
    return 'sealed';
  }

  #messagesOf(step: Step, request: EventRequest, round: RoundRow): OutboxMessage[] {
    if (step.to === 'drawn') return [gameDrawReady(this.#context(request), messageRound(round))];
    if (step.to === 'ended') return [gameEnded(this.#context(request), messageRound(round))];
    return [];
  }

  #rulesOf(roomId: string): TableRules {
    const { tables = {} } = this.#config;
    return { ...this.#config.default, ...(Object.hasOwn(tables, roomId) ? tables[roomId] : undefined) };
  }

  #context({ traceId, traceparent }: EventRequest): MessageContext {
    return { topic: this.#topic, traceId, traceparent };
  }
}

function checked(config: GameConfig): GameConfig {
  for (const [room, rules] of Object.entries({ default: config.default, ...config.tables })) {
    const { paytable } = { ...config.default, ...rules };
    if (findPaytable(paytable) === undefined)
      throw new TypeError(`game: table ${room} names no paytable: ${paytable}`);
  }
  return config;
}

interface Refused {
  readonly refused: BusinessError;
}

export function messageRound(round: RoundRow): MessageRound {
  return { roundId: round.round_id, gameId: round.game_id, roomId: round.room_id, revision: round.revision };
}

/** The first answer to the start of a round: of what never changes, so that a repeat gets the same. */
function startedOf(round: RoundRow): GameStarted {
  return {
    betStartTimeMs: round.bet_start_at.getTime(),
    betStopTimeMs: round.deadline_at.getTime(),
    countdownSeconds: round.betting_seconds,
    roundId: round.round_id,
    gameId: round.game_id,
    roomId: round.room_id,
  };
}

async function audit(tx: Queryable, request: EventRequest, from: RoundState, to: RoundState): Promise<void> {
  const { roundId, eventType, actor, traceId } = request;
  await tx.query(AUDIT, [roundId, 'transition', eventType, from, to, actor, 'api', '{}', traceId]);
}
