import type { Config } from '../config/index.ts';
import { describeError, Failures, type Log } from '../log/index.ts';

/** What every RocketMQ client of this server shares; to be kept for clients that are made again until one starts. */
export function clientOptions(config: Config['rocketmq'], log: Log) {
  return {
    nameServers: config.name_server,
    credentials: { accessKey: config.access_key, secretKey: config.secret_key },
    logger: clientLogger(log),
  };
}

/** The client's lines, marked as its own; its info is our debug: the road's own lines tell what matters. */
function clientLogger(log: Log) {
  const failures = new Failures({ log });
  const at = (level: 'debug' | 'warn' | 'error') => (text: string, fields?: Record<string, unknown>) => {
    const { error, ...rest } = fields ?? {};
    const message = `rocketmq client: ${text}`;
    if (error === undefined) log[level](rest, message);
    else if (level === 'debug') log.debug({ ...rest, err: describeError(error) }, message);
    else failures[level]({ ...rest, err: describeError(error) }, message);
  };
  return { debug: at('debug'), info: at('debug'), warn: at('warn'), error: at('error') };
}
