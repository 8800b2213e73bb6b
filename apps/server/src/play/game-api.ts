import { formatAmount, parseAmount } from '../wallet/index.ts';
import { CallError } from './call-error.ts';
import { type HttpAnswer, HttpClient } from './http-client.ts';
import type { Player } from './plan.ts';
import { type RetryOptions, withRetry } from './retry.ts';
import { type PlatformCredentials, signedHeaders } from './signature.ts';

export interface GameApiOptions {
  readonly baseUrl: string;
  /** For the dealer's calls. */
  readonly adminToken: string;
  /** Signs the players' calls; without it the server must be in demo mode. */
  readonly platform?: PlatformCredentials;
  readonly retry?: RetryOptions;
  /** @default 64 */
  readonly maxConnections?: number;
  /** For one attempt of a call. @default 10000 */
  readonly timeoutMs?: number;
}

/** Where a round is, as `game_status` on the wire. */
export const ROUND_STATUS = {
  betting: 2,
  sealed: 3,
  dealing: 4,
  drawn: 5,
  settled: 6,
  ended: 7,
  voided: 8,
} as const;

export interface RoundRef {
  readonly roundId: string;
  readonly gameId: string;
  readonly roomId: string;
}

/** What a driver needs to know of a round. */
export interface RoundState {
  readonly status: number;
  /** Id of the paytable its bets are settled by; undefined when the server does not say. */
  readonly paytable: string | undefined;
  readonly paytableVersion: number | undefined;
  /** From the settlement on. */
  readonly settlement:
    { cardList: string; result: string; orders: number; stakeMinor: bigint; payoutMinor: bigint } | undefined;
}

export interface PlacedBet {
  readonly billNo: string;
  /** The player's balance right after the bet. */
  readonly remainMinor: bigint;
}

type Json = Record<string, unknown>;

/** The calls of a dealer and of players, each made again as {@link RetryOptions} allow: all of them are idempotent. */
export class GameApi {
  readonly #http: HttpClient;
  readonly #options: GameApiOptions;

  constructor(options: GameApiOptions) {
    this.#options = options;
    this.#http = new HttpClient(options);
  }

  close(): void {
    this.#http.close();
  }

  /** 1 game_start, 2 game_stop, 3 new_card, 4 game_draw, 5 game_end. */
  async event(round: RoundRef, eventType: 1 | 2 | 3 | 4 | 5, signal?: AbortSignal): Promise<void> {
    await this.#dealer('/api/game_event', { ...roundFields(round), event_type: eventType }, signal);
  }

  async drawResult(round: RoundRef, cardList: string, signal?: AbortSignal): Promise<void> {
    await this.#dealer('/api/drawresult', { ...roundFields(round), card_list: cardList }, signal);
  }

  async bet(
    round: RoundRef,
    bet: { player: Player; playType: number; stakeMinor: bigint; idempotencyKey: string },
    signal?: AbortSignal,
  ): Promise<PlacedBet> {
    const body = {
      ...roundFields(round),
      bet_amount: formatAmount(bet.stakeMinor),
      play_type: bet.playType,
      idempotency_key: bet.idempotencyKey,
    };
    const data = await this.#player('POST', '/api/bet', bet.player, body, signal);
    return { billNo: text(data, 'bill_no'), remainMinor: amount(data, 'remain_amount') };
  }

  async balanceMinor(player: Player, signal?: AbortSignal): Promise<bigint> {
    return amount(await this.#player('GET', '/api/user/balance', player, undefined, signal), 'balance');
  }

  async deposit(
    player: Player,
    transactionId: string,
    amountMinor: bigint,
    signal?: AbortSignal,
  ): Promise<void> {
    const body = { transaction_id: transactionId, amount: formatAmount(amountMinor) };
    await this.#player('POST', '/api/wallet/deposit', player, body, signal);
  }

  async round(roundId: string, signal?: AbortSignal): Promise<RoundState> {
    const data = await this.#call(
      'GET',
      `/api/round/${encodeURIComponent(roundId)}`,
      undefined,
      () => ({}),
      signal,
    );
    const info = object(data, 'round_info');
    const draw = data['draw_result'] === undefined ? undefined : object(data, 'draw_result');
    return {
      status: whole(info, 'game_status'),
      paytable: typeof info['paytable'] === 'string' ? info['paytable'] : undefined,
      paytableVersion: typeof info['paytable_version'] === 'number' ? info['paytable_version'] : undefined,
      settlement: draw && {
        cardList: text(draw, 'card_list'),
        result: text(draw, 'game_result_str'),
        orders: whole(draw, 'total_orders'),
        stakeMinor: amount(draw, 'total_stake'),
        payoutMinor: amount(draw, 'total_payout'),
      },
    };
  }

  #dealer(path: string, body: Json, signal?: AbortSignal): Promise<Json> {
    return this.#call(
      'POST',
      path,
      body,
      () => ({ authorization: `Bearer ${this.#options.adminToken}` }),
      signal,
    );
  }

  #player(
    method: 'GET' | 'POST',
    path: string,
    player: Player,
    body: Json | undefined,
    signal?: AbortSignal,
  ): Promise<Json> {
    const { platform } = this.#options;
    const name = {
      'x-platform-user-id': player.platformUserId,
      'x-platform-user-name': encodeURIComponent(player.userName),
    };
    const headers = (sent: string): Record<string, string> =>
      platform === undefined ? name : { ...name, ...signedHeaders(platform, sent) };
    return this.#call(method, path, body, headers, signal);
  }

  #call(
    method: 'GET' | 'POST',
    path: string,
    body: Json | undefined,
    headersFor: (body: string) => Record<string, string>,
    signal?: AbortSignal,
  ): Promise<Json> {
    const sent = body === undefined ? '' : JSON.stringify(body);
    const attempt = async (): Promise<Json> => {
      const headers = {
        ...headersFor(sent),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      };
      const answer = await this.#http.send(
        { method, path, headers, ...(body === undefined ? {} : { body: sent }) },
        signal,
      );
      return dataOf(`${method} ${path}`, answer);
    };
    return withRetry(attempt, this.#options.retry ?? {}, signal);
  }
}

const roundFields = ({ roundId, gameId, roomId }: RoundRef): Json => ({
  game_id: gameId,
  room_id: roomId,
  game_round_id: roundId,
});

/** The `data` of a good answer ({} when it has none). @throws CallError for every other one */
function dataOf(call: string, { status, headers, body }: HttpAnswer): Json {
  const envelope = parseEnvelope(body);
  if (status === 200 && envelope?.['code'] === 0) {
    const data = envelope['data'];
    return isObject(data) ? data : {};
  }
  const code = typeof envelope?.['code'] === 'number' ? envelope['code'] : 0;
  const message = typeof envelope?.['message'] === 'string' ? envelope['message'] : body.slice(0, 200);
  const retryAfterSeconds = Number(headers['retry-after'] ?? Number.NaN);
  throw new CallError(`${call}: ${status}/${code} ${message}`, {
    failure: status >= 500 ? 'fault' : status === 202 || status === 429 ? 'busy' : 'refused',
    code,
    httpStatus: status,
    reply: message,
    ...(Number.isFinite(retryAfterSeconds) ? { retryAfterMs: retryAfterSeconds * 1000 } : {}),
  });
}

function parseEnvelope(body: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return isObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unexpected(field: string, value: unknown): CallError {
  return new CallError(`the answer's ${field} is ${JSON.stringify(value) ?? 'missing'}`, {
    failure: 'refused',
  });
}

function text(data: Json, field: string): string {
  const value = data[field];
  if (typeof value !== 'string' || value === '') throw unexpected(field, value);
  return value;
}

function whole(data: Json, field: string): number {
  const value = data[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw unexpected(field, value);
  return value;
}

function amount(data: Json, field: string): bigint {
  const minor = parseAmount(text(data, field));
  if (minor === undefined) throw unexpected(field, data[field]);
  return minor;
}

function object(data: Json, field: string): Json {
  const value = data[field];
  if (!isObject(value)) throw unexpected(field, value);
  return value;
}
