import {
  type CommandPayload,
  type Credentials,
  type RemotingCommand,
  ResponseCode,
  signRequest,
} from '@dt/rocketmq-protocol';
import { channels } from '../diagnostics.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import { Connection, type InvokeOptions, type RequestHandler } from './connection.ts';
import { type OpenSocket, openTcpSocket } from './socket.ts';

export interface RemotingClientOptions {
  connectTimeoutMs: number;
  maxInFlightRequests: number;
  credentials?: Credentials | undefined;
  /** @default plain TCP */
  openSocket?: OpenSocket;
  onRequest?: RequestHandler;
  onConnect?: (address: string) => void;
  onDisconnect?: (address: string, error: RocketMQError) => void;
}

/** One connection an address, opened when first needed and again after it was lost. Signs every request. */
export class RemotingClient {
  readonly #options: RemotingClientOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #connecting = new Map<string, Promise<Connection>>();
  #closed = false;

  constructor(options: RemotingClientOptions) {
    this.#options = options;
  }

  /** The answer, whatever its code. The time-out covers connecting too. */
  async invoke(
    address: string,
    code: number,
    payload: CommandPayload,
    options: InvokeOptions,
  ): Promise<RemotingCommand> {
    const startedAt = Date.now();
    const signed = this.#signed(payload);
    let connection = this.#ready(address);
    let limits = options;
    if (connection === undefined) {
      connection = await this.#connectWithin(address, options);
      limits = { ...options, timeoutMs: Math.max(1, options.timeoutMs - (Date.now() - startedAt)) };
    }
    const response = await connection.invoke(code, signed, limits);
    if (response.code !== ResponseCode.GO_AWAY) return response;
    // The broker is about to shut down and did nothing: another connection, and once more.
    this.#connections.delete(address);
    connection.retire();
    const next = await this.#connectWithin(address, options);
    return next.invoke(code, signed, {
      ...options,
      timeoutMs: Math.max(1, options.timeoutMs - (Date.now() - startedAt)),
    });
  }

  /** Resolves when the request is on its way; no answer comes. The time-out covers connecting too. */
  async sendOneway(
    address: string,
    code: number,
    payload: CommandPayload,
    options: InvokeOptions,
  ): Promise<void> {
    const startedAt = Date.now();
    const connection = this.#ready(address) ?? (await this.#connectWithin(address, options));
    const timeoutMs = Math.max(1, options.timeoutMs - (Date.now() - startedAt));
    await connection.sendOneway(code, this.#signed(payload), { ...options, timeoutMs });
  }

  /** Rejects what waits, at once. */
  close(): void {
    this.#closed = true;
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #signed(payload: CommandPayload): CommandPayload {
    const { credentials } = this.#options;
    if (credentials === undefined) return payload;
    return { extFields: signRequest(payload.extFields, payload.body, credentials), body: payload.body };
  }

  #ready(address: string): Connection | undefined {
    const connection = this.#connections.get(address);
    return connection?.closed === false ? connection : undefined;
  }

  async #connectWithin(address: string, options: InvokeOptions): Promise<Connection> {
    const connecting = this.#connect(address);
    if (options.signal === undefined && options.timeoutMs >= this.#options.connectTimeoutMs)
      return connecting;
    return new Promise((resolve, reject) => {
      const { signal } = options;
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const abort = (): void => {
        end();
        reject(new RocketMQError('aborted', 'aborted by the caller', { cause: signal?.reason }));
      };
      const timer = setTimeout(() => {
        end();
        const text = `connection to ${address}: not open within ${options.timeoutMs} ms`;
        reject(new RocketMQError('timeout', text, { retryable: true }));
      }, options.timeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted === true) abort();
      connecting.finally(end).then(resolve, (error: unknown) => reject(asRocketMQError(error)));
    });
  }

  #connect(address: string): Promise<Connection> {
    if (this.#closed) return Promise.reject(new RocketMQError('closed', 'the client is closed'));
    const ready = this.#ready(address);
    if (ready !== undefined) return Promise.resolve(ready);
    let connecting = this.#connecting.get(address);
    if (connecting === undefined) {
      connecting = this.#open(address).finally(() => this.#connecting.delete(address));
      this.#connecting.set(address, connecting);
    }
    return connecting;
  }

  async #open(address: string): Promise<Connection> {
    const open = this.#options.openSocket ?? openTcpSocket;
    const socket = await open(address, this.#options.connectTimeoutMs);
    const connection = new Connection(socket, {
      address,
      maxInFlightRequests: this.#options.maxInFlightRequests,
      onRequest: this.#options.onRequest ?? (async () => undefined),
      onClose: (error) => this.#onClose(connection, error),
    });
    if (this.#closed) {
      connection.close();
      throw new RocketMQError('closed', 'the client is closed');
    }
    this.#connections.set(address, connection);
    if (channels.connect.hasSubscribers) channels.connect.publish({ address });
    this.#options.onConnect?.(address);
    return connection;
  }

  #onClose(connection: Connection, error: RocketMQError): void {
    const { address } = connection;
    if (this.#connections.get(address) === connection) this.#connections.delete(address);
    if (channels.disconnect.hasSubscribers) channels.disconnect.publish({ address, error });
    if (!this.#closed) this.#options.onDisconnect?.(address, error);
  }
}
