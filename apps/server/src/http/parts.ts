import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Registry } from 'prom-client';
import type { Config } from '../config/index.ts';
import type { Database } from '../database/index.ts';
import type { Game } from '../game/index.ts';
import type { Log } from '../log/index.ts';
import type { Wallet } from '../wallet/index.ts';
import type { AdminGuard } from './auth/admin.ts';
import type { PlatformGuard } from './auth/platform.ts';
import type { BetLimiter } from './rate-limit.ts';

export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string };

/** `text` is what the caller reads. */
export interface OutboxHealth {
  readonly healthy: boolean;
  readonly text: string;
}

/** What the HTTP side is made of. */
export interface HttpOptions {
  readonly config: Pick<Config, 'server' | 'auth' | 'rate_limit' | 'cors'>;
  /** What players and dealers call. @default nothing: only those that watch the instance get answers */
  readonly calls?: { readonly game: Game; readonly wallet: Wallet };
  readonly database: Pick<Database, 'query'>;
  readonly log: Log;
  /** Gets the HTTP figures and is what `/metrics` shows. */
  readonly registry: Registry;
  /** For a caller that changes the limits later. @default one with the limits of `config` */
  readonly limiter?: BetLimiter;
  /** Whether this instance can do its work. @default asks the database */
  readonly readiness?: () => Promise<Readiness>;
  /** Whether messages leave in time. @default says that nobody looks */
  readonly outboxHealth?: () => Promise<OutboxHealth>;
}

/** What routes share. */
export interface Door {
  readonly app: FastifyInstance;
  readonly game: Game;
  readonly wallet: Wallet;
  readonly admin: AdminGuard;
  readonly platform: PlatformGuard;
  readonly limiter: Pick<BetLimiter, 'take'>;
  readonly clientAddress: (request: FastifyRequest) => string;
}
