import { randomUUID } from 'node:crypto';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { Registry } from 'prom-client';
import { loadConfig, type Config } from '../../src/config/index.ts';
import { buildHttp, sign, type HttpOptions, type SignatureVersion } from '../../src/http/index.ts';
import { createLog } from '../../src/log/index.ts';
import { openTable, type Table } from '../game/table.ts';

export const ADMIN_TOKEN = 'dealer-token';
export const PLATFORM = { platform_id: 7, app_key: 'acme_dev_01', app_secret: 'not-a-real-secret-7' };

export interface Answer {
  readonly status: number;
  readonly headers: LightMyRequestResponse['headers'];
  readonly text: string;
  /** The parsed body; fails on bodies that are not JSON. */
  readonly json: {
    code: number;
    message: string;
    data?: Record<string, unknown>;
    trace_id: string;
    timestamp: number;
  };
}

export interface CallOptions {
  readonly headers?: Record<string, string>;
  /** An object goes as JSON, text and bytes as they are. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly remoteAddress?: string;
}

/** The HTTP side over the real game and a database of its own. */
export interface Door {
  readonly app: FastifyInstance;
  readonly table: Table;
  /** Lines of the log. */
  readonly log: string[];
  call(method: string, url: string, options?: CallOptions): Promise<Answer>;
  /** A dealer call with the token. */
  deal(url: string, body: unknown): Promise<Answer>;
  /** A call of a player of the demo platform; in demo mode only. */
  play(method: string, url: string, userId: string, body?: unknown): Promise<Answer>;
  /** A round in a room of its own that takes bets; `id` is also its room's and game's. */
  round(): Promise<string>;
  /** Moves a round on. */
  events(roundId: string, ...types: number[]): Promise<void>;
  close(): Promise<void>;
}

/** @param settings laid over a configuration in demo mode, by path */
export async function openDoor(
  settings: Record<string, unknown> = {},
  more: Partial<HttpOptions> = {},
  shared?: Table,
): Promise<Door> {
  const table = shared ?? (await openTable());
  const log: string[] = [];
  const app = buildHttp({
    config: configOf(settings),
    calls: { game: table.game, wallet: table.wallet },
    database: table.database,
    log: createLog({ level: 'debug', destination: { write: (line: string) => log.push(line) } }),
    registry: new Registry(),
    ...more,
  });
  const call: Door['call'] = async (method, url, { headers = {}, body, contentType, remoteAddress } = {}) => {
    const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const type = contentType ?? (isRaw ? undefined : 'application/json');
    const response = await app.inject({
      method: method as 'GET',
      url,
      headers: { ...(type !== undefined && { 'content-type': type }), ...headers },
      ...(body !== undefined && { payload: isRaw ? body : JSON.stringify(body) }),
      ...(remoteAddress !== undefined && { remoteAddress }),
    });
    return {
      status: response.statusCode,
      headers: response.headers,
      text: response.body,
      get json() {
        return response.json<Answer['json']>();
      },
    };
  };
  const deal: Door['deal'] = (url, body) =>
    call('POST', url, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, body });
  const event = async (id: string, type: number): Promise<void> => {
    const { json } = await deal('/api/game_event', {
      game_round_id: id,
      game_id: id,
      room_id: id,
      event_type: type,
    });
    if (json.code !== 0) throw new Error(`event ${type} of ${id}: ${json.message}`);
  };
  return {
    app,
    table,
    log,
    call,
    deal,
    play: (method, url, userId, body) =>
      call(method, url, { headers: { 'x-platform-user-id': userId }, body }),
    round: async () => {
      const id = `round_${randomUUID()}`;
      await event(id, 1);
      return id;
    },
    events: async (id, ...types) => {
      for (const type of types) await event(id, type);
    },
    close: async () => {
      await app.close();
      if (shared === undefined) await table.close();
    },
  };
}

/** @param settings laid over a configuration in demo mode, by path */
export function configOf(settings: Record<string, unknown>): Config {
  const all = {
    'auth.demo_mode': true,
    'auth.admin.token': ADMIN_TOKEN,
    'auth.platforms': [PLATFORM],
    ...settings,
  };
  const overrides = Object.entries(all).map(([path, value]) => ({
    path,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }));
  return loadConfig({
    file: 'config/docker.json',
    env: {},
    overrides: [{ path: 'server.host', value: 'localhost' }, ...overrides],
  }).config;
}

export interface SignOptions {
  readonly version?: SignatureVersion;
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Buffer;
  readonly appKey?: string;
  readonly secret?: string;
  readonly nonce?: string;
  /** Unix seconds. @default now */
  readonly timestamp?: number | string;
  readonly userId?: string;
}

/** Headers of a call that the platform signs. */
export function signed(options: SignOptions = {}): Record<string, string> {
  const { version, method = 'GET', path = '/api/user/balance', body = '', userId = 'p-77' } = options;
  const { appKey = PLATFORM.app_key, secret = PLATFORM.app_secret, nonce = randomUUID() } = options;
  const timestamp = String(options.timestamp ?? Math.floor(Date.now() / 1000));
  return {
    'x-platform-key': appKey,
    'x-timestamp': timestamp,
    'x-nonce': nonce,
    'x-signature': sign(
      version ?? 1,
      { appKey, timestamp, nonce, method, path, body: Buffer.from(body) },
      secret,
    ),
    ...(version !== undefined && { 'x-signature-version': String(version) }),
    ...(userId !== '' && { 'x-platform-user-id': userId }),
  };
}
