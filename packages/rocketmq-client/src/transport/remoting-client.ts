import type { Socket } from 'node:net';
import {
  type CommandPayload,
  type Credentials,
  type RemotingCommand,
  ResponseCode,
  signRequest,
} from '@dt/rocketmq-protocol';
import { channels } from '../diagnostics.ts';
import { asRocketMQError, RocketMQError } from '../errors.ts';
import { onAbort } from '../timing/on-abort.ts';
import { pause } from '../timing/pause.ts';
import { Connection, type InvokeOptions, type RequestHandler } from './connection.ts';
import type { AnswerReceiver } from './pending-requests.ts';
import { ReconnectPacing } from './reconnect-pacing.ts';
import { type OpenSocket, openTcpSocket } from './socket.ts';

export interface RemotingClientOptions {
  connectTimeoutMs: number;
  maxInFlightRequests: number;
  /** @default 20000 */
  silenceTimeoutMs?: number;
  credentials?: Credentials | undefined;
  /** @default plain TCP */
  openSocket?: OpenSocket;
  onRequest?: RequestHandler;
  onConnect?: (address: string) => void;
  onDisconnect?: (address: string, error: RocketMQError) => void;
}

/** A connection that ends sooner counts as a failure to connect. */
const SHORT_LIFE_MS = 1000;

/** One connection an address, opened when first needed and again after it was lost. Signs every request. */
export class RemotingClient {
  readonly #options: RemotingClientOptions;
  readonly #connections = new Map<string, Connection>();
  readonly #connecting = new Map<string, Promise<Connection>>();
  readonly #pacing = new ReconnectPacing();
  readonly #closing = new AbortController();

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
    const ask = (limits: InvokeOptions): Promise<RemotingCommand> =>
      new Promise((resolve, reject) =>
        this.request(address, code, payload, limits, { answered: resolve, failed: reject }),
      );
    const response = await ask(options);
    // The broker did nothing and takes nothing more over this connection: once more over another.
    return response.code === ResponseCode.GO_AWAY ? ask(remaining(options, startedAt)) : response;
  }

  /** The same without a promise; who is answered GO_AWAY may ask once more. */
  request(
    address: string,
    code: number,
    payload: CommandPayload,
    options: InvokeOptions,
    receiver: AnswerReceiver,
  ): void {
    const told = channels.request.hasSubscribers ? observed(receiver, address, code) : receiver;
    const signed = this.#signed(payload);
    const ready = this.#ready(address);
    if (ready !== undefined) return ready.request(code, signed, options, told);
    const startedAt = Date.now();
    this.#connectWithin(address, options).then(
      (connection) => connection.request(code, signed, remaining(options, startedAt), told),
      (error: unknown) => told.failed(asRocketMQError(error)),
    );
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
    await connection.sendOneway(code, this.#signed(payload), remaining(options, startedAt));
  }

  /** Rejects what waits, at once. */
  close(): void {
    this.#closing.abort();
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
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
      let unlisten = (): void => undefined;
      const end = (): void => {
        clearTimeout(timer);
        unlisten();
      };
      const timer = setTimeout(() => {
        end();
        const text = `connection to ${address}: not open within ${options.timeoutMs} ms`;
        reject(new RocketMQError('timeout', text, { retryable: true }));
      }, options.timeoutMs);
      unlisten = onAbort(signal, () => {
        end();
        reject(new RocketMQError('aborted', 'aborted by the caller', { cause: signal?.reason }));
      });
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
    const socket = await this.#openPaced(address);
    if (this.#closed) {
      socket.destroy();
      throw new RocketMQError('closed', 'the client is closed');
    }
    const openedAt = Date.now();
    const connection = new Connection(socket, {
      address,
      maxInFlightRequests: this.#options.maxInFlightRequests,
      silenceTimeoutMs: this.#options.silenceTimeoutMs ?? 20_000,
      onRequest: this.#options.onRequest ?? (async () => undefined),
      onGoAway: () => this.#forget(connection),
      onClose: (error) => {
        // A server that takes connections only to close them is not to be asked all the time.
        if (Date.now() - openedAt < SHORT_LIFE_MS) this.#pacing.failed(address);
        else this.#pacing.succeeded(address);
        this.#onClose(connection, error);
      },
    });
    this.#connections.set(address, connection);
    if (channels.connect.hasSubscribers) channels.connect.publish({ address });
    this.#options.onConnect?.(address);
    return connection;
  }

  async #openPaced(address: string): Promise<Socket> {
    const { signal } = this.#closing;
    const open = this.#options.openSocket ?? openTcpSocket;
    await pause(this.#pacing.waitMs(address), signal);
    try {
      if (signal.aborted) throw new RocketMQError('closed', 'the client is closed');
      return await open(address, this.#options.connectTimeoutMs, signal);
    } catch (error) {
      if (signal.aborted) throw new RocketMQError('closed', 'the client is closed', { cause: error });
      this.#pacing.failed(address);
      throw error;
    }
  }

  /** What is asked from now on goes over another connection. */
  #forget(connection: Connection): void {
    const { address } = connection;
    if (this.#connections.get(address) === connection) this.#connections.delete(address);
  }

  #onClose(connection: Connection, error: RocketMQError): void {
    const { address } = connection;
    this.#forget(connection);
    if (channels.disconnect.hasSubscribers) channels.disconnect.publish({ address, error });
    if (!this.#closed) this.#options.onDisconnect?.(address, error);
  }
}

function remaining(options: InvokeOptions, startedAt: number): InvokeOptions {
  return { ...options, timeoutMs: Math.max(1, options.timeoutMs - (Date.now() - startedAt)) };
}

/** Tells the diagnostics channel, too. */
function observed(receiver: AnswerReceiver, address: string, code: number): AnswerReceiver {
  const startedAt = Date.now();
  const told = (how: { responseCode: number } | { error: RocketMQError }): void =>
    channels.request.publish({ address, code, durationMs: Date.now() - startedAt, ...how });
  return {
    answered(response) {
      told({ responseCode: response.code });
      receiver.answered(response);
    },
    failed(error) {
      told({ error });
      receiver.failed(error);
    },
  };
}
