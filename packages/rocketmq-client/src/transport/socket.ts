import { connect, type Socket } from 'node:net';
import { RocketMQError } from '../errors.ts';
import { onAbort } from '../timing/on-abort.ts';
import { parseAddress } from './address.ts';

/**
 * Opens a connected stream to `host:port`. Another one, for example with TLS, can take its place. Rejects at once when
 * the signal fires.
 */
export type OpenSocket = (address: string, timeoutMs: number, signal: AbortSignal) => Promise<Socket>;

export const openTcpSocket: OpenSocket = (address, timeoutMs, signal) => {
  return new Promise((resolve, reject) => {
    const target = parseAddress(address);
    if (target === undefined) {
      reject(new RocketMQError('connect-failed', `${JSON.stringify(address)} is not host:port`));
      return;
    }
    const socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    let unlisten = (): void => undefined;
    const fail = (reason: string, cause?: unknown): void => {
      clearTimeout(timer);
      unlisten();
      socket.removeAllListeners();
      // A late error of a socket nobody waits for must not end the process.
      socket.on('error', () => undefined);
      socket.destroy();
      reject(
        new RocketMQError('connect-failed', `connection to ${address}: ${reason}`, {
          retryable: true,
          cause,
        }),
      );
    };
    const timer = setTimeout(() => fail(`no answer within ${timeoutMs} ms`), timeoutMs);
    socket.once('error', (error) => fail(error.message, error));
    unlisten = onAbort(signal, () => fail('closed'));
    socket.once('connect', () => {
      clearTimeout(timer);
      unlisten();
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
};
