import { connect } from 'node:net';
import { join } from 'node:path';
import { startRocketMQ } from '@dt/rocketmq-embedded';
import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';

/**
 * An embedded NameServer and broker at the configured address, unless something answers there already or the
 * address is not of this machine.
 *
 * @returns undefined when none was started
 */
export async function startEmbeddedRocketMQ(
  config: Config['rocketmq'],
  dataDir: string,
  log: Log,
): Promise<{ close(): Promise<void> } | undefined> {
  const endpoint = config.name_server.split(/[;,]/)[0]?.trim() ?? '';
  if (endpoint === '') return undefined;
  const { host, port } = splitAddress(endpoint);
  if (await answers(host, port)) {
    log.info({ endpoint }, 'rocketmq: using the one already running');
    return undefined;
  }
  if (!isLoopback(host)) {
    log.warn(
      { endpoint },
      'rocketmq: no answer, and an embedded one could serve this machine only: none started',
    );
    return undefined;
  }
  const folder = join(dataDir, 'rocketmq');
  const server = await startRocketMQ({
    host: '127.0.0.1',
    nameServerPort: port,
    brokerPort: brokerPort(port),
    dataDir: folder,
  });
  log.info(
    { endpoint: server.nameServerAddress, broker: server.brokerAddress, data: folder },
    'rocketmq: embedded NameServer and broker started',
  );
  return server;
}

/** The usual pair is 9876 and 10911; another NameServer port moves the broker by as much, so that several fit. */
function brokerPort(nameServerPort: number): number {
  const port = 10911 + (nameServerPort - 9876);
  return port > 0 && port < 65536 ? port : 0;
}

function splitAddress(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

/** Whether something accepts connections there. */
function answers(host: string, port: number, timeoutMs = 1000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
  });
}
