import type { PlayerRef } from '../wallet/types.ts';

export type { PlayerRef } from '../wallet/types.ts';

/** 1 game_start, 2 game_stop, 3 new_card, 4 game_draw, 5 game_end. */
export type EventType = 1 | 2 | 3 | 4 | 5;

/** The order of a round's life; `voided` is the way out. The numbers on the wire are in `ROUND_STATUS`. */
export type RoundState =
  'created' | 'betting' | 'sealed' | 'dealing' | 'drawn' | 'settled' | 'ended' | 'voided';

export interface EventRequest {
  readonly roundId: string;
  readonly eventType: EventType;
  /** Taken from event 1; not looked at in later events. */
  readonly gameId?: string;
  readonly roomId?: string;
  /** Who did it, for the audit. */
  readonly actor: string;
  readonly traceId: string;
  /** W3C trace context of the request, carried on to the messages. */
  readonly traceparent?: string;
}

export interface GameStarted {
  readonly betStartTimeMs: number;
  readonly betStopTimeMs: number;
  readonly countdownSeconds: number;
  readonly roundId: string;
  readonly gameId: string;
  readonly roomId: string;
}

export interface EventAnswer {
  /** For event 1 only. */
  readonly data?: GameStarted;
}

export interface PlaceBetRequest {
  readonly player: PlayerRef;
  readonly gameId: string;
  readonly roomId: string;
  readonly roundId: string;
  /** 1 dragon, 2 tiger, 3 tie; further bets of richer paytables from 10 on. */
  readonly playType: number;
  /** Minor units, > 0. */
  readonly amountMinor: bigint;
  /** Unique per player (platform and platform user). */
  readonly idempotencyKey: string;
  readonly traceId: string;
  readonly traceparent?: string;
}

export interface PlacedBet {
  readonly billNo: string;
  /** The balance right after the bet, also in a replay. */
  readonly remainMinor: bigint;
  /** Of the FIRST answer: a replay renders it byte for byte. */
  readonly traceId: string;
  /** Unix ms of the first answer. */
  readonly answeredAtMs: number;
  readonly replayed: boolean;
}

export interface DrawResultRequest {
  readonly roundId: string;
  /** `D12,T4,Rd`; at most 256 bytes. */
  readonly cardList: string;
  readonly gameId?: string;
  readonly roomId?: string;
  readonly actor: string;
  readonly traceId: string;
  readonly traceparent?: string;
}

/** 0 none yet, 1 dragon, 2 tiger, 3 tie. */
export type ResultCode = 0 | 1 | 2 | 3;

export interface RoundInfo {
  readonly roundId: string;
  readonly gameId: string;
  readonly roomId: string;
  readonly state: RoundState;
  /** The number clients know: 1 init, 2 betting, 3 sealed, 4 dealt, 5 drawn, 6 settled, 7 finished, 8 voided. */
  readonly statusCode: number;
  readonly betStartTimeMs: number;
  readonly betStopTimeMs: number;
  /** 0 when not drawn yet. */
  readonly drawTimeMs: number;
  readonly paytable: string;
  readonly paytableVersion: number;
  readonly revision: number;
  readonly isSettled: boolean;
  readonly traceId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface DrawResult {
  readonly cardList: string;
  /** `dragon`, `tiger` or `tie`. */
  readonly result: string;
  readonly resultCode: ResultCode;
  readonly drawTimeMs: number;
  readonly totalOrders: number;
  readonly totalStakeMinor: bigint;
  readonly totalPayoutMinor: bigint;
}

export interface RoundView {
  readonly roundInfo: RoundInfo;
  /** Absent until the round is settled. */
  readonly drawResult?: DrawResult;
}

export interface BetsQuery {
  /** From 1. Ignored when a cursor is given. */
  readonly page: number;
  /** 1 to 100. */
  readonly pageSize: number;
  readonly roundId?: string;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

export interface BetRecord {
  readonly billNo: string;
  readonly roundId: string;
  readonly playType: number;
  /** 2 accepted (the only one ever written). */
  readonly betStatus: number;
  /** 1 open, 2 settled, 3 cancelled. */
  readonly billStatus: number;
  readonly gameResult: ResultCode;
  readonly betAmountMinor: bigint;
  /** Gross return; 0 while open. */
  readonly winAmountMinor: bigint;
  /** As text with 4 decimals at most: `0.97`, `8`. */
  readonly betOdds: string;
  readonly betTimeMs: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface BetsPage {
  /** Newest first. */
  readonly list: readonly BetRecord[];
  readonly page: number;
  readonly pageSize: number;
  readonly total: number;
  /** Absent on the last page. */
  readonly nextCursor?: string;
}

/** What one table allows. */
export interface TableRules {
  /** Id of a shipped paytable: `classic`, `standard`, `full`. @default 'classic' */
  readonly paytable: string;
  /** @default 45 */
  readonly bettingSeconds: number;
  /** @default 100n (1.00) */
  readonly minBetMinor: bigint;
  /** Per bet. */
  readonly maxBetMinor: bigint;
  /** Sum of one player's stakes in one round. */
  readonly maxPlayerRoundMinor: bigint;
  /** The most the house may lose in one round, over every outcome. */
  readonly maxRoundLiabilityMinor: bigint;
}

export interface GameConfig {
  readonly default: TableRules;
  /** By room id; what a table does not say is taken from `default`. */
  readonly tables?: Readonly<Record<string, Partial<TableRules>>>;
}

export interface Game {
  /**
   * Moves a round. A repeated event answers as the first time and changes nothing.
   * @throws BusinessError 2003 out of order, or another round is open in the room; 4004 unknown round
   */
  event(request: EventRequest): Promise<EventAnswer>;
  /** @throws BusinessError 1000, 2002 to 2007, 4004 */
  placeBet(request: PlaceBetRequest): Promise<PlacedBet>;
  /**
   * Settles the round with these cards, all or nothing.
   * @throws BusinessError 1000 cards cannot be read; 2008 wrong state, other cards than the first time, or a
   * stated result that is not what the cards say (audited); 4004 unknown round
   */
  drawResult(request: DrawResultRequest): Promise<void>;
  /** @throws BusinessError 4004 */
  round(roundId: string): Promise<RoundView>;
  bets(player: PlayerRef, query: BetsQuery): Promise<BetsPage>;
  /** Seals every round whose deadline has passed on the database's clock; any instance may call it. */
  sealDue(): Promise<number>;
  /** Rules for rounds that start from now on; open ones keep theirs. @throws TypeError an unknown paytable */
  configure(config: GameConfig): void;
}
