import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export interface FaultProxyOptions {
  /** `host:port` of the server behind. May change later through `proxy.target`. */
  target: string;
  /** Port on loopback. @default 0, a free one */
  port?: number;
  /** Changes what the server answers on its way back; called with chunks as they come. @default nothing changes */
  rewriteAnswers?: () => Rewrite;
}

/**
 * What becomes of bytes on their way. `last`: the connection ends behind them. What is held back goes on through
 * `write`, whenever that is.
 */
export type Rewrite = (chunk: Buffer, write: (bytes: Buffer) => void) => Buffer | { last: Buffer };

const NOTHING: Buffer = Buffer.alloc(0);

interface Pair {
  client: Socket;
  server: Socket;
  /** The server's half is gone, and the client is not to learn it. */
  abandoned?: boolean;
}

/**
 * What happens to the bytes:
 * - `pass`: nothing;
 * - `stall`: both ways stand still and sockets stay open, as when a cable is cut; held bytes go on with `pass`;
 * - `drop-answers`: the server gets and does everything, its answers vanish.
 */
export type FaultMode = 'pass' | 'stall' | 'drop-answers';

/** A TCP proxy on loopback that does to a connection what networks do. */
export class FaultProxy implements AsyncDisposable {
  /** Where new connections go, `host:port`. */
  target: string;
  readonly #rewriteAnswers: FaultProxyOptions['rewriteAnswers'];
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #port: number;
  #mode: FaultMode = 'pass';
  #delayMs = 0;
  #bytesPerSecond = Infinity;
  #accepted = 0;

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.accept();
    return proxy;
  }

  private constructor(options: FaultProxyOptions) {
    this.target = options.target;
    this.#port = options.port ?? 0;
    this.#rewriteAnswers = options.rewriteAnswers;
  }

  /** `host:port` for clients; stays the same over `refuse` and `accept`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  /** Connections open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Connections since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  setMode(mode: FaultMode): void {
    this.#mode = mode;
    for (const { client, server } of this.#pairs) {
      for (const socket of [client, server]) {
        if (mode === 'stall') socket.pause();
        else socket.resume();
      }
    }
  }

  /** Every chunk waits this long, each way; 0 = none. */
  setDelay(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Bytes go no faster than this, each connection and way by itself; Infinity = as fast as they can. */
  setBandwidth(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /**
   * The server's halves of all open connections are reset; the clients' stay open and silent, as when a machine lost its
   * power. New connections are taken.
   */
  abandon(): void {
    for (const pair of this.#pairs) {
      pair.abandoned = true;
      pair.server.resetAndDestroy();
    }
  }

  /** Resets every open connection (RST, as after a crash); new ones are taken. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  }

  /** Cuts, and refuses new connections until `accept`. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.cut();
    if (server) await new Promise((resolve) => server.close(resolve));
  }

  /** Takes connections (again), on the same port. */
  async accept(): Promise<void> {
    if (this.#server) return;
    // Half-open connections are passed on as such.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#connect(client));
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #connect(client: Socket): void {
    this.#accepted++;
    const colon = this.target.lastIndexOf(':');
    const server = connect({
      host: this.target.slice(0, colon),
      port: Number(this.target.slice(colon + 1)),
      allowHalfOpen: true,
      noDelay: true,
    });
    const pair: Pair = { client, server };
    this.#pairs.add(pair);
    const rewrite = this.#rewriteAnswers?.();
    this.#pipe(client, server, (chunk) => chunk);
    this.#pipe(server, client, (chunk, write) =>
      this.#mode === 'drop-answers' ? NOTHING : (rewrite?.(chunk, write) ?? chunk),
    );
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        if (pair.abandoned === true && socket === server) return;
        this.#pairs.delete(pair);
        client.destroy();
        server.destroy();
      });
      if (this.#mode === 'stall') socket.pause();
    }
  }

  #pipe(from: Socket, to: Socket, change: Rewrite): void {
    // Equal delays keep their order: timers of one length fire in the order they were set. A shorter delay
    // set later could overtake, so each write waits for the one before it.
    let last = Promise.resolve();
    const later = (sizeBytes: number, write: () => void): void => {
      const delayMs = this.#delayMs + (1000 * sizeBytes) / this.#bytesPerSecond;
      last = last
        .then(() => (delayMs > 0 ? new Promise((resolve) => setTimeout(resolve, delayMs)) : undefined))
        .then(write);
    };
    const write = (bytes: Buffer): void => {
      if (bytes.length === 0) return;
      later(bytes.length, () => {
        if (to.writable && !to.write(bytes)) {
          from.pause();
          to.once('drain', () => {
            if (this.#mode !== 'stall') from.resume();
          });
        }
      });
    };
    from.on('data', (chunk: Buffer) => {
      const changed = change(chunk, write);
      if (!('last' in changed)) return write(changed);
      const { last } = changed;
      later(last.length, () => void to.end(last));
    });
    from.on('end', () => later(0, () => void to.end()));
  }
}

/** Starts a proxy in front of `target`. */
export function faultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  return FaultProxy.start(options);
}
