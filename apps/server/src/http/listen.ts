import { createServer, type AddressInfo, type Server } from 'node:net';
import type { FastifyInstance } from 'fastify';

export const listenErrorCodes = ['port-in-use', 'port-forbidden', 'host-unknown', 'listen-failed'] as const;
export type ListenErrorCode = (typeof listenErrorCodes)[number];

/** The server cannot listen where it was told to; the message names the place and the way out. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: ListenErrorCode;
  readonly retryable = false;

  constructor(code: ListenErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface ListenOptions {
  /** `localhost` means 127.0.0.1 and ::1, whatever the machine resolves it to. */
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

/**
 * Starts to listen.
 *
 * @returns the URL under which this machine reaches the server
 * @throws ListenError
 */
export async function listen(app: FastifyInstance, { host, port }: ListenOptions): Promise<string> {
  if (host !== 'localhost') {
    await bind(() => app.listen({ host, port }), host, port);
    return urlOf(host, portOf(app.server));
  }
  const second = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    // One HTTP server handles the connections of both: one set of time-outs, one close.
    app.server.emit('connection', socket);
  });
  let secondClosed = Promise.resolve();
  app.addHook('preClose', async () => {
    if (second.listening) secondClosed = new Promise((resolve) => second.close(() => resolve()));
  });
  app.addHook('onClose', () => secondClosed);
  await bind(() => app.listen({ host: '127.0.0.1', port }), '127.0.0.1', port);
  const taken = portOf(app.server);
  try {
    await bind(() => listenOn(second, '::1', taken), '::1', taken);
  } catch (error) {
    // A machine without IPv6 has nobody who would call there.
    if (!(error instanceof ListenError && error.code === 'host-unknown')) {
      await app.close();
      throw error;
    }
  }
  return urlOf(host, taken);
}

/**
 * Whether `listen()` could work there, asked before anything else is started. Somebody may still be faster.
 *
 * @throws ListenError
 */
export async function checkListen({ host, port }: ListenOptions): Promise<void> {
  if (port === 0) return;
  for (const address of host === 'localhost' ? ['127.0.0.1', '::1'] : [host]) {
    const probe = createServer();
    try {
      await bind(() => listenOn(probe, address, port), address, port);
      await new Promise((resolve) => probe.close(resolve));
    } catch (error) {
      // A machine without IPv6 has nobody who would call there.
      if (!(address === '::1' && error instanceof ListenError && error.code === 'host-unknown')) throw error;
    }
  }
}

function listenOn(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: host !== '::' }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function bind(start: () => Promise<unknown>, host: string, port: number): Promise<void> {
  try {
    await start();
  } catch (cause) {
    throw explain(cause, host, port);
  }
}

function explain(cause: unknown, host: string, port: number): ListenError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const where = urlOf(host, port);
  const other = 'take another port with --port N (server.port)';
  switch (code) {
    case 'EADDRINUSE':
      return new ListenError(
        'port-in-use',
        `port ${port} is in use: something listens on ${where} already; ${other}, or stop the process that holds it (${holderCommand(port)} names it)`,
        { cause },
      );
    case 'EACCES':
      return new ListenError(
        'port-forbidden',
        `port ${port} may not be used by this user (${where}); ${other}`,
        { cause },
      );
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new ListenError(
        'host-unknown',
        `server.host ${host} is not an address of this machine (${code})`,
        { cause },
      );
    default:
      return new ListenError('listen-failed', `cannot listen on ${where}`, { cause });
  }
}

/** How this kind of machine tells which process holds a port. */
function holderCommand(port: number): string {
  if (process.platform === 'win32') return `netstat -ano | findstr :${port}`;
  return process.platform === 'linux' ? `ss -ltnp 'sport = :${port}'` : `lsof -i :${port}`;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Nobody can call a wildcard: it is reached through this machine's own address. */
function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
