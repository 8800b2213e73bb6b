import type { Config } from '../config/index.ts';
import { describeError, type Log } from '../log/index.ts';

/** What every RocketMQ client of this server shares. */
export function clientOptions(config: Config['rocketmq'], log: Log) {
  return {
    nameServers: config.name_server,
    credentials: { accessKey: config.access_key, secretKey: config.secret_key },
    logger: clientLogger(log),
  };
}

/** The client's lines, marked as its own; its info is our debug: the road's own lines tell what matters. */
function clientLogger(log: Log) {
  const at = (level: 'debug' | 'warn' | 'error') => (message: string, fields?: Record<string, unknown>) => {
    const { error, ...rest } = fields ?? {};
    log[level](
      error === undefined ? rest : { ...rest, err: describeError(error) },
      `rocketmq client: ${message}`,
    );
  };
  return { debug: at('debug'), info: at('debug'), warn: at('warn'), error: at('error') };
}
