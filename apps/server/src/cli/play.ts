import { Command, InvalidArgumentError, Option } from 'commander';
import { randomBytes } from 'node:crypto';
import { Pool } from 'pg';
import type { Config } from '../config/index.ts';
import { createLog } from '../log/index.ts';
import { NoDatabaseError, openPostgres } from '../operations/postgres.ts';
import {
  awaitDelivery,
  type CallError,
  type DeliveryReport,
  GameApi,
  isDelivered,
  outboxMark,
  type PlatformCredentials,
  runGame,
  type RunReport,
} from '../play/index.ts';
import { parseAmount } from '../wallet/index.ts';
import { exitCodes, WrongCallError } from './exit.ts';
import { whole } from './options.ts';
import { PlayScreen } from './play-screen.ts';
import { readSettings, type SettingsFlags, withSettings } from './settings.ts';

interface PlayFlags extends SettingsFlags {
  url?: string;
  rounds: number;
  players: number;
  bets: number;
  concurrency: number;
  bettingMs: number;
  stepMs: number;
  minStake: bigint;
  maxStake: bigint;
  gameId: string;
  roomId?: string;
  seed?: string;
  adminToken?: string;
  platformKey?: string;
  platformSecret?: string;
  retry?: boolean;
  resumeOnError?: boolean;
  retryFor: number;
  drainTimeout: number;
  delivery: boolean;
  json?: boolean;
}

export function playCommand(): Command {
  return withSettings(new Command('play'))
    .description('Drive the complete game flow against a running server, then check that nothing was lost.')
    .option('-u, --url <url>', 'the server (default: localhost at the configured port)')
    .addOption(whole('-r, --rounds <number>', 'rounds to play', 3, 1, 1_000_000))
    .addOption(whole('-p, --players <number>', 'players, made for this run', 10, 1, 100_000))
    .addOption(whole('-b, --bets <number>', 'bets of each player in each round', 1, 1, 1_000))
    .addOption(whole('--concurrency <number>', 'bets under way at once', 32, 1, 1_024))
    .addOption(
      whole(
        '--betting-ms <ms>',
        'keep betting open this long, the bets spread over it; 0: full speed',
        0,
        0,
        3_600_000,
      ),
    )
    .addOption(whole('--step-ms <ms>', "pause between the dealer's steps after betting", 0, 0, 60_000))
    .addOption(money('--min-stake <amount>', 'lowest stake', '1.00'))
    .addOption(money('--max-stake <amount>', 'highest stake', '100.00'))
    .option('--game-id <id>', 'game to play', 'dt_game')
    .option('--room-id <id>', 'room to play in (default: one of its own)')
    .option('--seed <text>', 'same seed, same bets and cards (default: a new one, printed)')
    .option('--admin-token <token>', "for the dealer's calls (default: auth.admin.token)")
    .option(
      '--platform-key <key>',
      "sign the players' calls with this platform; without it the server must be in demo mode",
    )
    .option('--platform-secret <secret>', 'secret of that platform (default: the one in the configuration)')
    .option('--retry', 'go on when the server fails or restarts: failed calls are made again as they were')
    .option('--resume-on-error', 'the same as --retry')
    .addOption(whole('--retry-for <seconds>', 'how long one call is tried again', 120, 1, 86_400))
    .addOption(
      whole('--drain-timeout <seconds>', 'how long to wait for the messages at the end', 60, 0, 86_400),
    )
    .option('--no-delivery', 'do not look into the database at the end')
    .option('--json', 'print the report as one JSON line at the end')
    .addHelpText(
      'after',
      `
At the end it checks that the players' balances moved as the cards say, and that every order has its one
settlement in the outbox (sent) and in the inbox (applied). The second needs the server's database: DATABASE_URL,
database.url, or the embedded one under --data-dir.

Examples:
  $ dt play
  $ dt play --rounds 20 --players 200 --bets 3
  $ dt play --rounds 5 --betting-ms 4000 --step-ms 500
  $ dt play --url http://10.0.0.5:8087 --platform-key acme --platform-secret s3cret --retry

Exit codes: 0 all good, 1 something is missing or wrong, 2 the call was wrong.`,
    )
    .action(play);
}

async function play(flags: PlayFlags): Promise<void> {
  const { config } = await readSettings(flags);
  if (flags.minStake > flags.maxStake) throw new WrongCallError('--min-stake must not be above --max-stake');
  const screen = new PlayScreen({ stream: flags.json === true ? process.stderr : process.stdout });
  const retries = flags.retry === true || flags.resumeOnError === true;
  const platform = platformOf(flags, config);
  const api = new GameApi({
    baseUrl: baseUrlOf(flags, config),
    adminToken: flags.adminToken ?? config.auth.admin.token,
    maxConnections: flags.concurrency,
    ...(platform === undefined ? {} : { platform }),
    retry: {
      forMs: retries ? flags.retryFor * 1000 : 0,
      onRetry: (error: CallError, attempt) => screen.retrying(error, attempt),
    },
  });
  try {
    const mark = await askDatabase(flags, config, outboxMark);
    const seed = flags.seed ?? randomBytes(6).toString('hex');
    const report = await runGame({
      api,
      rounds: flags.rounds,
      players: flags.players,
      betsPerPlayer: flags.bets,
      concurrency: flags.concurrency,
      minStakeMinor: flags.minStake,
      maxStakeMinor: flags.maxStake,
      bettingMs: flags.bettingMs,
      stepPauseMs: flags.stepMs,
      gameId: flags.gameId,
      ...(flags.roomId === undefined ? {} : { roomId: flags.roomId }),
      seed,
      onProgress: (progress) => screen.progress(progress),
      onRound: (round) => screen.round(round),
    });
    const delivery = await askDatabase(flags, config, (database) =>
      awaitDelivery({
        database,
        consumerGroup: config.rocketmq.consumer_group,
        billNos: report.billNos,
        ...(mark === undefined ? {} : { mark }),
        timeoutMs: flags.drainTimeout * 1000,
        onProgress: (progress) => screen.draining(progress),
      }),
    );
    screen.report(report, delivery);
    const isGood =
      report.billNos.length > 0 &&
      report.moneyFaults.length === 0 &&
      (delivery === undefined || isDelivered(delivery));
    if (flags.json === true) process.stdout.write(`${toJson(report, delivery, isGood)}\n`);
    process.exitCode = isGood ? exitCodes.good : exitCodes.fault;
  } finally {
    screen.close();
    api.close();
  }
}

/**
 * Asks the server's database, opened for this one question: an embedded one may have been restarted since the last.
 * Undefined when no database is known here: then only the money is checked, and the report says so.
 */
async function askDatabase<T>(
  flags: PlayFlags,
  config: Config,
  ask: (database: Pool) => Promise<T>,
): Promise<T | undefined> {
  if (!flags.delivery) return undefined;
  const log = createLog({ level: 'silent' });
  const postgres = await openPostgres(config.database, {
    embedded: 'if-present',
    dataDir: flags.dataDir,
    log,
  }).catch((error: unknown) => {
    if (error instanceof NoDatabaseError) return undefined;
    throw error;
  });
  if (postgres === undefined) return undefined;
  const pool = new Pool({ ...postgres.connection, max: 1, connectionTimeoutMillis: 10_000 });
  // Unheard, a connection that breaks while it is idle would end the process.
  pool.on('error', () => undefined);
  try {
    return await ask(pool);
  } finally {
    await pool.end();
    await postgres.close();
  }
}

function baseUrlOf(flags: PlayFlags, config: Config): string {
  const baseUrl = flags.url ?? `http://localhost:${config.server.port}`;
  if (!URL.canParse(baseUrl) || !/^https?:$/.test(new URL(baseUrl).protocol)) {
    throw new WrongCallError(
      `--url takes an http or https address, for example http://localhost:8087, not '${baseUrl}'`,
    );
  }
  return baseUrl;
}

function platformOf(flags: PlayFlags, config: Config): PlatformCredentials | undefined {
  const { platformKey: key } = flags;
  if (key === undefined) {
    if (flags.platformSecret !== undefined)
      throw new WrongCallError('--platform-secret needs --platform-key');
    return undefined;
  }
  const secret =
    flags.platformSecret ?? config.auth.platforms.find((platform) => platform.app_key === key)?.app_secret;
  if (secret === undefined) {
    throw new WrongCallError(
      `--platform-secret is needed: the configuration has no platform with the key '${key}'`,
    );
  }
  return { key, secret };
}

function money(flags: string, description: string, value: string): Option {
  return new Option(flags, description).default(parseAmount(value), value).argParser((text) => {
    const minor = parseAmount(text);
    if (minor === undefined || minor < 1n || minor > 100_000_000n) {
      throw new InvalidArgumentError('Allowed: an amount from 0.01 to 1000000.00 with up to 2 decimals.');
    }
    return minor;
  });
}

function toJson(report: RunReport, delivery: DeliveryReport | undefined, good: boolean): string {
  const { billNos, refused, ...rest } = report;
  return JSON.stringify(
    {
      good,
      ...rest,
      orders: billNos.length,
      refused: Object.fromEntries(refused),
      delivery: delivery ?? null,
    },
    (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value),
  );
}
