import type { ClientOptions } from '@dt/rocketmq-client';
import { readFileSync } from 'node:fs';
import { WrongCallError } from './exit.ts';
import { type FlagValues, integer, orElse, text, toggle } from './flags.ts';

/** The flags of every command that say where RocketMQ is and who asks. */
export const connectionFlags = {
  nameServers: text('-n, --namesrvAddr <list>', 'NameServers, host:port;host:port (env: NAMESRV_ADDR)'),
  accessKey: text('--accessKey <key>', 'account for brokers with access control (env: ROCKETMQ_ACCESS_KEY)'),
  secretKey: text(
    '--secretKey <secret>',
    'its secret; better in the environment, where other users cannot see it (env: ROCKETMQ_SECRET_KEY)',
  ),
  securityToken: text('--securityToken <token>', 'its token, if it has one (env: ROCKETMQ_SECURITY_TOKEN)'),
  tls: toggle('--tls', 'connect with TLS (env: ROCKETMQ_TLS=true)'),
  tlsCa: text('--tlsCa <file>', 'PEM file of the authorities to trust (env: ROCKETMQ_TLS_CA)'),
  tlsCert: text('--tlsCert <file>', 'PEM file of our certificate (env: ROCKETMQ_TLS_CERT)'),
  tlsKey: text('--tlsKey <file>', 'PEM file of its key (env: ROCKETMQ_TLS_KEY)'),
  tlsServername: text('--tlsServername <name>', 'name that the certificates of all servers must have'),
  tlsInsecure: toggle('--tlsInsecure', 'take any certificate: encrypted, but with whom is not known'),
  timeout: orElse(
    integer('--timeout <ms>', 'how long one request may take', { min: 1, max: 600_000 }),
    5_000,
  ),
};

export type ConnectionFlagValues = FlagValues<typeof connectionFlags>;

/** What holds where neither flags nor environment say anything. */
export interface ConnectionDefaults {
  nameServers?: string;
  credentials?: { accessKey: string; secretKey: string };
}

/** Whether the call names its servers, so that what is configured elsewhere is not asked for. */
export function namesServers(flags: ConnectionFlagValues, env: NodeJS.ProcessEnv): boolean {
  return flags.nameServers !== undefined || setting(env, 'NAMESRV_ADDR') !== undefined;
}

/** Flags before environment before defaults. */
export function clientOptionsOf(
  flags: ConnectionFlagValues,
  env: NodeJS.ProcessEnv,
  defaults: () => ConnectionDefaults,
): ClientOptions {
  const nameServers = flags.nameServers ?? setting(env, 'NAMESRV_ADDR') ?? defaults().nameServers;
  if (nameServers === undefined) {
    throw new WrongCallError(
      'where is the NameServer? Give -n host:port, or set NAMESRV_ADDR, for example NAMESRV_ADDR=127.0.0.1:9876',
    );
  }
  const credentials = credentialsOf(flags, env, defaults);
  const tls = tlsOf(flags, env);
  return {
    nameServers,
    requestTimeoutMs: flags.timeout,
    ...(credentials !== undefined && { credentials }),
    ...(tls !== undefined && { tls }),
  };
}

function credentialsOf(
  flags: ConnectionFlagValues,
  env: NodeJS.ProcessEnv,
  defaults: () => ConnectionDefaults,
): ClientOptions['credentials'] {
  const accessKey = flags.accessKey ?? setting(env, 'ROCKETMQ_ACCESS_KEY');
  const secretKey = flags.secretKey ?? setting(env, 'ROCKETMQ_SECRET_KEY');
  const securityToken = flags.securityToken ?? setting(env, 'ROCKETMQ_SECURITY_TOKEN');
  if (accessKey === undefined && secretKey === undefined && securityToken === undefined)
    // Those of a configuration belong to its own servers.
    return namesServers(flags, env) ? undefined : defaults().credentials;
  if (accessKey === undefined || secretKey === undefined) {
    const missing =
      accessKey === undefined ? '--accessKey or ROCKETMQ_ACCESS_KEY' : '--secretKey or ROCKETMQ_SECRET_KEY';
    throw new WrongCallError(`an account has an access key and a secret: ${missing} is missing`);
  }
  return { accessKey, secretKey, ...(securityToken !== undefined && { securityToken }) };
}

function tlsOf(flags: ConnectionFlagValues, env: NodeJS.ProcessEnv): ClientOptions['tls'] {
  const ca = pem('--tlsCa', flags.tlsCa ?? setting(env, 'ROCKETMQ_TLS_CA'));
  const cert = pem('--tlsCert', flags.tlsCert ?? setting(env, 'ROCKETMQ_TLS_CERT'));
  const key = pem('--tlsKey', flags.tlsKey ?? setting(env, 'ROCKETMQ_TLS_KEY'));
  const { tlsServername, tlsInsecure } = flags;
  const isWanted =
    flags.tls ||
    /^(1|true)$/i.test(setting(env, 'ROCKETMQ_TLS') ?? '') ||
    tlsInsecure ||
    [ca, cert, key, tlsServername].some((part) => part !== undefined);
  if (!isWanted) return undefined;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(tlsServername !== undefined && { servername: tlsServername }),
    ...(tlsInsecure && { rejectUnauthorized: false }),
  };
}

function pem(flag: string, file: string | undefined): Buffer | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WrongCallError(`${flag}: the file cannot be read: ${reason}`);
  }
}

/** What is set to nothing is not set. */
function setting(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}
