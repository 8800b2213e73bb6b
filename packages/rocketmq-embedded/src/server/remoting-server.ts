import net from 'node:net';
import tls from 'node:tls';
import { ResponseCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import { EmbeddedError, systemCode } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { notSupported, Refusal } from './answers.ts';
import { Connection, type ConnectionLimits, type RequestHandler } from './connection.ts';

/** Handlers by request code. */
export type Handlers = Pick<ReadonlyMap<number, RequestHandler>, 'get'>;

/** What a server shows, and asks for, in a TLS handshake; contents of PEM files. */
export interface ServerTls {
  cert: string | Buffer;
  key: string | Buffer;
  /** Authorities of the clients' certificates. */
  ca?: string | Buffer;
  /** Lets in only clients with a certificate of `ca`. @default false */
  requestCert?: boolean;
}

export interface RemotingServerOptions {
  /** `NameServer` or `broker`, for messages. */
  role: string;
  /** How the caller chooses another port, for the message when it is taken. */
  portOption: string;
  limits: ConnectionLimits;
  maxConnections: number;
  /** Bytes that all connections together may hold of unfinished frames and unwritten answers. */
  maxBufferedBytes: number;
  handlers: Handlers;
  /** Throws the refusal of a request that may not pass, whatever it is. @default all pass */
  authorize?: (request: RemotingCommand, connection: Connection) => void;
  /** Takes TLS connections only. @default plain ones */
  tls?: ServerTls | undefined;
  onClose?: (connection: Connection) => void;
  logger: Logger;
}

/** A client that does not end its TLS handshake in this time is gone. */
const HANDSHAKE_MS = 10_000;
/** Connections beyond the limit that are told so; further ones are closed at once. */
const TURNED_AWAY_AT_ONCE = 64;
/** A connection beyond the limit that asks nothing in this time is closed. */
const TURN_AWAY_MS = 5_000;
/** From the news that a connection holds much to the look at what all of them hold. */
const LOOK_MS = 5;
/** Between two lines of the log about connections beyond the limit. */
const COMPLAIN_MS = 10_000;
/** Answers may still be written for this long when the server closes. */
const CLOSE_GRACE_MS = 1_000;

/** A listening port, its connections, and the handlers of the requests that come in. */
export class RemotingServer {
  readonly #options: RemotingServerOptions;
  readonly #server: net.Server;
  readonly #connections = new Set<Connection>();
  readonly #sockets = new Set<net.Socket>();
  #look: NodeJS.Timeout | undefined;
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RemotingServerOptions) {
    this.#options = options;
    const accept = (socket: net.Socket): void => this.#accept(socket);
    this.#server =
      options.tls === undefined
        ? net.createServer(accept)
        : tls.createServer({ ...options.tls, handshakeTimeout: HANDSHAKE_MS }, accept);
    // Also those that have not come as far as accept.
    this.#server.on('connection', (socket: net.Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.maxConnections = options.maxConnections + TURNED_AWAY_AT_ONCE;
  }

  /** The port listened on. */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(this.#listenError(error, host, port));
      this.#server.once('error', failed);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (error) =>
          this.#options.logger.error({ err: error }, 'rocketmq listener failed'),
        );
        resolve();
      });
    });
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Stops listening, lets answers out for a moment, then closes every connection. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const connection of this.#connections) connection.end();
    const timer = setTimeout(() => this.#destroyAll(), CLOSE_GRACE_MS);
    await closed;
    clearTimeout(timer);
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: net.Socket): void {
    const { limits, logger, maxConnections } = this.#options;
    if (this.#connections.size >= maxConnections) return this.#turnAway(socket);
    const connection = new Connection(
      socket,
      limits,
      (request, from) => this.#dispatch(request, from),
      logger,
    );
    connection.onHolding = () => this.#lookSoon();
    this.#connections.add(connection);
    socket.once('close', () => {
      this.#connections.delete(connection);
      this.#options.onClose?.(connection);
    });
  }

  /** Answers the first request with a refusal, whatever it is, and closes. */
  #turnAway(socket: net.Socket): void {
    const { limits, logger, maxConnections, role } = this.#options;
    const remark = `the ${role} has no room for more than ${maxConnections} connections`;
    const now = performance.now();
    if (now - this.#complainedAt > COMPLAIN_MS) {
      this.#complainedAt = now;
      logger.warn(
        { peer: socket.remoteAddress, maxConnections },
        'rocketmq connection turned away: too many',
      );
    }
    const refuse: RequestHandler = () => {
      setImmediate(() => connection.end());
      throw new Refusal(ResponseCode.SYSTEM_BUSY, remark);
    };
    const connection = new Connection(socket, limits, refuse, logger);
    const timer = setTimeout(() => connection.close('too many connections'), TURN_AWAY_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  /** One look for all that arrives meanwhile. */
  #lookSoon(): void {
    if (this.#look !== undefined) return;
    this.#look = setTimeout(() => {
      this.#look = undefined;
      this.#limitHeldBytes();
    }, LOOK_MS).unref();
  }

  /** Closes those that hold the most while all together hold too much. */
  #limitHeldBytes(): void {
    const { maxBufferedBytes, logger } = this.#options;
    let held = 0;
    for (const connection of this.#connections) held += connection.heldBytes;
    if (held <= maxBufferedBytes) return;
    const byHeld = [...this.#connections].sort((a, b) => b.heldBytes - a.heldBytes);
    for (const connection of byHeld) {
      if (held <= maxBufferedBytes) return;
      held -= connection.heldBytes;
      logger.warn(
        { peer: connection.remoteAddress, bytes: connection.heldBytes, maxBufferedBytes },
        'rocketmq connection closed: all together hold too many bytes, this one the most',
      );
      connection.close('holds the most bytes');
    }
  }

  #dispatch(request: RemotingCommand, connection: Connection): ReturnType<RequestHandler> {
    this.#options.authorize?.(request, connection);
    const handler = this.#options.handlers.get(request.code);
    return handler === undefined ? notSupported(request) : handler(request, connection);
  }

  #listenError(error: Error, host: string, port: number): Error {
    const { role, portOption } = this.#options;
    switch (systemCode(error)) {
      case 'EADDRINUSE':
        return new EmbeddedError(
          'port-in-use',
          `port ${port} on ${host} is in use, the RocketMQ ${role} cannot listen there. ` +
            `Stop the program that has it, or choose another port with ${portOption} (0 takes a free one)`,
          { retryable: true, cause: error },
        );
      case 'EACCES':
        return new EmbeddedError(
          'port-in-use',
          `this user may not listen on port ${port}: choose one above 1023 with ${portOption}`,
          {
            cause: error,
          },
        );
      default:
        return new EmbeddedError(
          'option-invalid',
          `the RocketMQ ${role} cannot listen on ${host}:${port}: ${error.message}`,
          {
            cause: error,
          },
        );
    }
  }
}
