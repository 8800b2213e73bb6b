import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { consoleLogger, isLogLevel } from './console-logger.ts';
import { EmbeddedError } from './errors.ts';
import type { RocketMQOptions } from './options.ts';
import type { ServerTls } from './server/index.ts';
import { startRocketMQ, type RocketMQServer } from './start.ts';

const HELP = `rocketmq-embedded: a RocketMQ NameServer and broker in one process

For one machine: development, demonstrations, tests. There is no replication; run RocketMQ itself in production.

Usage: rocketmq-embedded [options]

  --data DIR             folder for messages and settings        (default ./data/rocketmq)
  --port N               NameServer port, 0 for a free one       (default 9876)
  --broker-port N        broker port, 0 for a free one           (default 10911)
  --host ADDRESS         address to listen on                    (default 127.0.0.1)
  --advertised-host A    address clients are told                (default: the one listened on)
  --flush MODE           async: acknowledged messages survive the end of the process;
                         sync: they survive the end of the machine (default async)
  --on-damage MODE       serve-rest: name damaged files and go on with the rest;
                         refuse: do not start                    (default serve-rest)
  --cluster NAME         cluster name                            (default DefaultCluster)
  --broker-name NAME     broker name                             (default broker-a)
  --acl FILE             accounts and their rights, as plain_acl.yml; changes count at once
                         (default: everybody may do everything)
  --tls-cert FILE, --tls-key FILE
                         certificate and key (PEM): take TLS connections only
  --tls-client-ca FILE   and only from clients whose certificate this authority has signed
  --property-filter      let consumers choose by property with SQL92 expressions
  --no-auto-create       refuse topics nobody has created
  --delay-levels TEXT    delays of levels 1, 2, ...              (default "1s 5s 10s 30s 1m ... 2h")
  --retention-hours N    remove log files that are older         (default 72)
  --log-level LEVEL      debug, info, warn or error              (default info)
  -h, --help             this text

Examples:
  rocketmq-embedded --data ./data/rocketmq
  rocketmq-embedded --port 0 --broker-port 0 --data /tmp/mq      two servers on one machine
  rocketmq-embedded --flush sync --delay-levels "1s 2s 3s"

Ctrl-C stops it; the next start goes on with the same data.
`;

const GOOD = 0;
const FAULT = 1;
const WRONG_CALL = 2;
/** A stop that takes longer than this is given up. */
const STOP_LIMIT_MS = 10_000;

/** Runs until a signal comes; resolves to the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  let options: RocketMQOptions | undefined;
  try {
    options = parse(args);
  } catch (error) {
    process.stderr.write(`rocketmq-embedded: ${messageOf(error)}\nTry rocketmq-embedded --help\n`);
    return WRONG_CALL;
  }
  if (options === undefined) {
    process.stdout.write(HELP);
    return GOOD;
  }
  let server: RocketMQServer;
  try {
    server = await startRocketMQ(options);
  } catch (error) {
    process.stderr.write(`rocketmq-embedded: ${messageOf(error)}\n`);
    return error instanceof EmbeddedError && error.code === 'option-invalid' ? WRONG_CALL : FAULT;
  }
  process.stdout.write(
    `ready: NameServer ${server.nameServerAddress}, broker ${server.brokerAddress} (Ctrl-C stops)\n`,
  );
  await signal();
  const limit = setTimeout(() => {
    process.stderr.write('rocketmq-embedded: stopping takes too long, giving up\n');
    process.exit(FAULT);
  }, STOP_LIMIT_MS);
  await server.close();
  clearTimeout(limit);
  return GOOD;
}

/** Undefined: only the help is wanted. */
function parse(args: readonly string[]): RocketMQOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string', default: './data/rocketmq' },
      port: { type: 'string' },
      'broker-port': { type: 'string' },
      host: { type: 'string' },
      'advertised-host': { type: 'string' },
      flush: { type: 'string' },
      'on-damage': { type: 'string' },
      cluster: { type: 'string' },
      'broker-name': { type: 'string' },
      acl: { type: 'string' },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      'tls-client-ca': { type: 'string' },
      'property-filter': { type: 'boolean', default: false },
      'no-auto-create': { type: 'boolean', default: false },
      'delay-levels': { type: 'string' },
      'retention-hours': { type: 'string' },
      'log-level': { type: 'string', default: 'info' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (!isLogLevel(values['log-level']))
    throw new Error(`--log-level ${values['log-level']}: allowed are debug, info, warn, error`);
  const options: RocketMQOptions = {
    dataDir: values.data,
    autoCreateTopics: !values['no-auto-create'],
    enablePropertyFilter: values['property-filter'],
    logger: consoleLogger(values['log-level']),
  };
  if (values.port !== undefined) options.nameServerPort = Number(values.port);
  if (values['broker-port'] !== undefined) options.brokerPort = Number(values['broker-port']);
  if (values.host !== undefined) options.host = values.host;
  if (values['advertised-host'] !== undefined) options.advertisedHost = values['advertised-host'];
  if (values.flush !== undefined) options.flush = values.flush as 'sync' | 'async';
  if (values['on-damage'] !== undefined) options.onDamage = values['on-damage'] as 'serve-rest' | 'refuse';
  if (values.cluster !== undefined) options.clusterName = values.cluster;
  if (values['broker-name'] !== undefined) options.brokerName = values['broker-name'];
  if (values.acl !== undefined) options.acl = values.acl;
  const tls = tlsOf(values);
  if (tls !== undefined) options.tls = tls;
  if (values['delay-levels'] !== undefined) options.messageDelayLevel = values['delay-levels'];
  if (values['retention-hours'] !== undefined)
    options.retentionMs = Math.round(Number(values['retention-hours']) * 3_600_000);
  return options;
}

function tlsOf(files: {
  'tls-cert'?: string | undefined;
  'tls-key'?: string | undefined;
  'tls-client-ca'?: string | undefined;
}): ServerTls | undefined {
  const { 'tls-cert': cert, 'tls-key': key, 'tls-client-ca': ca } = files;
  if (cert === undefined && key === undefined && ca === undefined) return undefined;
  if (cert === undefined || key === undefined)
    throw new Error('--tls-cert and --tls-key belong together: both are needed for TLS');
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  return ca === undefined ? tls : { ...tls, ca: readFileSync(ca), requestCert: true };
}

/** The first signal stops in order; a second one, for who cannot wait, ends the process as usual. */
function signal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
