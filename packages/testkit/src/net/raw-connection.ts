import {
  createRequest,
  encodeCommand,
  FrameDecoder,
  isResponse,
  type CommandPayload,
  type RemotingCommand,
  type SerializeType,
} from '@dt/rocketmq-protocol';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { TestkitError } from '../errors.ts';

export interface RawRequestOptions {
  /** How long to wait for the answer. @default 5000 */
  timeoutMs?: number;
  /** Form of the request's header. @default 'json' */
  serializeType?: SerializeType;
}

/** What a peer shows and asks for in a TLS handshake. */
export type TlsPeer = Pick<ConnectionOptions, 'cert' | 'key' | 'rejectUnauthorized'>;

/** One socket that speaks frames but knows no rules: for peers that a well-behaved client never is. */
export class RawConnection implements AsyncDisposable {
  /** What the peer asked on its own, in order. */
  readonly requestsOfPeer: RemotingCommand[] = [];
  /** Fulfilled when the peer has closed the connection, or reset it. */
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  readonly #waiting = new Map<
    number,
    { resolve: (answer: RemotingCommand) => void; reject: (error: Error) => void }
  >();
  #nextOpaque = 1;
  #isClosed = false;

  /** @param address `host:port` */
  static async open(address: string, timeoutMs = 3000, tls?: TlsPeer): Promise<RawConnection> {
    const colon = address.lastIndexOf(':');
    const target = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    const socket = tls ? connectTls({ ...tls, ...target }) : connect({ ...target, noDelay: true });
    try {
      await once(socket, tls ? 'secureConnect' : 'connect', { signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new RawConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => this.#read(chunk));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        for (const { reject } of this.#waiting.values()) reject(new Error('the peer closed the connection'));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Writes bytes as they are. */
  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends one request and waits for its answer, whatever its code. */
  async request(
    code: number,
    payload: Partial<CommandPayload> = {},
    options: RawRequestOptions = {},
  ): Promise<RemotingCommand> {
    const { timeoutMs = 5000, serializeType = 'json' } = options;
    if (this.#isClosed) throw new Error('the peer closed the connection');
    const opaque = this.#nextOpaque++;
    const answer = new Promise<RemotingCommand>((resolve, reject) =>
      this.#waiting.set(opaque, { resolve, reject }),
    );
    const timer = setTimeout(() => {
      const error = new TestkitError('timeout', `no answer to request ${code} within ${timeoutMs} ms`);
      this.#waiting.get(opaque)?.reject(error);
    }, timeoutMs);
    try {
      this.#socket.write(encodeCommand(createRequest(code, payload, { opaque }), { serializeType }));
      return await answer;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(opaque);
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.closed;
  }

  #read(chunk: Buffer): void {
    let commands: RemotingCommand[];
    try {
      commands = this.#decoder.push(chunk);
    } catch (error) {
      this.#socket.destroy(error as Error);
      return;
    }
    for (const command of commands) {
      if (isResponse(command)) this.#waiting.get(command.opaque)?.resolve(command);
      else this.requestsOfPeer.push(command);
    }
  }
}

/** Opens a connection, asks one thing, and closes it. */
export async function askOnce(
  address: string,
  code: number,
  payload: Partial<CommandPayload> = {},
  tls?: TlsPeer,
): Promise<RemotingCommand> {
  await using connection = await RawConnection.open(address, 3000, tls);
  return await connection.request(code, payload);
}
