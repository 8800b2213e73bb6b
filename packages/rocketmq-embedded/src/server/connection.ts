import type { Socket } from 'node:net';
import {
  type CommandPayload,
  createRequest,
  createResponse,
  encodeCommand,
  encodeCommandHead,
  FrameDecoder,
  isOneway,
  isResponse,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import type { Logger } from '../logger.ts';
import { answerOfError } from './answers.ts';
import { encodeHost, hostText, plainIp } from './host.ts';

/** Answers a request now, later, or (undefined) not at all: one-way, or held and answered by `send`. */
export type RequestHandler = (
  request: RemotingCommand,
  connection: Connection,
) => RemotingCommand | undefined | Promise<RemotingCommand | undefined>;

export interface ConnectionLimits {
  maxFrameBytes: number;
  /** Requests of one connection that are worked on at once; the others wait in its socket. */
  maxInFlight: number;
  /** Requests are taken again only when less than this waits to be written. */
  pauseWriteBytes: number;
  /** A connection with more unwritten bytes is closed. */
  maxWriteBytes: number;
  idleTimeoutMs: number;
}

/** Bodies from here on are written behind their header instead of being copied into one buffer with it. */
const SEPARATE_BODY_BYTES = 16 * 1024;
/** Smaller answers of one turn are written as one; so many bytes of them go at once. */
const GATHERED_BYTES = 64 * 1024;
/** Requests that wait for their turn keep the socket from being read from here on. */
const WAITING_BYTES = 256 * 1024;
/** What a request takes beside its body, roughly. */
const REQUEST_BYTES = 512;
/** From here on the owner is told what a connection holds: below, the limit of connections is limit enough. */
const NOTABLE_BYTES = 64 * 1024;

/** One client's socket. Whatever arrives on it that is not a good frame closes it, and nothing else. */
export class Connection {
  /** Of the client. */
  readonly remoteIp: string;
  /** `ip:port` of the client. */
  readonly remoteAddress: string;
  /** Its address as messages carry it. */
  readonly bornHost: Buffer;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #handle: RequestHandler;
  readonly #logger: Logger;
  readonly #decoder: FrameDecoder;
  #inbox: RemotingCommand[] = [];
  #waitingBytes = 0;
  #inFlight = 0;
  #paused = false;
  #gathering = false;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #nextOpaque = 1;
  /** Called when this connection holds notably many bytes. */
  onHolding: () => void = () => undefined;
  /** Requests of the server's own that wait for an answer, by their number. */
  readonly #asked = new Map<number, (answer: RemotingCommand | undefined) => void>();

  constructor(socket: Socket, limits: ConnectionLimits, handle: RequestHandler, logger: Logger) {
    this.#socket = socket;
    this.#limits = limits;
    this.#handle = handle;
    this.#logger = logger;
    this.#decoder = new FrameDecoder({ maxFrameBytes: limits.maxFrameBytes });
    const ip = socket.remoteAddress ?? '0.0.0.0';
    const port = socket.remotePort ?? 0;
    this.remoteIp = plainIp(ip);
    this.remoteAddress = hostText(ip, port);
    this.bornHost = encodeHost(ip, port);
    socket.setNoDelay(true);
    socket.setTimeout(limits.idleTimeoutMs, () => this.close('idle for too long'));
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => this.#work());
    socket.once('close', () => {
      for (const end of [...this.#asked.values()]) end(undefined);
    });
    // The close event follows and does the rest.
    socket.on('error', (error) =>
      this.#logger.debug({ peer: this.remoteAddress, err: error }, 'rocketmq connection failed'),
    );
  }

  /** Bytes of frames that have not ended, and of answers that are not written. */
  get heldBytes(): number {
    return (
      this.#decoder.bufferedBytes + this.#waitingBytes + this.#gatheredBytes + this.#socket.writableLength
    );
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Writes an answer, or a request of the server's own. Nothing happens when the client is gone. */
  send(command: RemotingCommand): void {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > this.#limits.maxWriteBytes) return this.close('reads too slowly');
    this.#gather();
    if (command.body.length < SEPARATE_BODY_BYTES) {
      const frame = encodeCommand(command);
      this.#gathered.push(frame);
      this.#gatheredBytes += frame.length;
      if (this.#gatheredBytes >= GATHERED_BYTES) this.#writeGathered();
      return;
    }
    this.#writeGathered();
    this.#socket.write(encodeCommandHead(command));
    this.#socket.write(command.body);
    this.#tellHeld();
  }

  #tellHeld(): void {
    if (this.heldBytes >= NOTABLE_BYTES) this.onHolding();
  }

  /** What is answered in one turn of the event loop leaves in one system call. */
  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#gathering = false;
      this.#writeGathered();
      this.#socket.uncork();
    });
  }

  #writeGathered(): void {
    if (this.#gatheredBytes === 0) return;
    this.#socket.write(Buffer.concat(this.#gathered, this.#gatheredBytes));
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  /** Number for a request the server sends on this connection. */
  takeOpaque(): number {
    return this.#nextOpaque++;
  }

  /** Asks the client. `undefined` when no answer came in time, or the client is gone. */
  ask(code: number, payload: CommandPayload, timeoutMs: number): Promise<RemotingCommand | undefined> {
    const opaque = this.takeOpaque();
    return new Promise((resolve) => {
      const end = (answer: RemotingCommand | undefined): void => {
        clearTimeout(timer);
        this.#asked.delete(opaque);
        resolve(answer);
      };
      const timer = setTimeout(end, timeoutMs, undefined);
      this.#asked.set(opaque, end);
      this.send(createRequest(code, payload, { opaque }));
      if (this.isClosed) end(undefined);
    });
  }

  /** Runs a held request and sends its answer, or what its error says. */
  answerLater(request: RemotingCommand, work: () => Promise<RemotingCommand | undefined>): void {
    void this.#settle(request, work());
  }

  close(reason: string): void {
    if (this.#socket.destroyed) return;
    this.#logger.debug({ peer: this.remoteAddress, reason }, 'rocketmq connection closed');
    this.#forgetWaiting();
    this.#socket.destroy();
  }

  #forgetWaiting(): void {
    this.#inbox = [];
    this.#waitingBytes = 0;
  }

  /** Lets written answers out, then closes. */
  end(): void {
    this.#forgetWaiting();
    this.#writeGathered();
    this.#socket.end();
  }

  #receive(chunk: Buffer): void {
    try {
      const commands = this.#decoder.push(chunk);
      if (this.#inbox.length === 0) this.#inbox = commands;
      else this.#inbox.push(...commands);
      for (const command of commands) this.#waitingBytes += bytesOf(command);
      this.#tellHeld();
    } catch (error) {
      this.#logger.warn(
        { peer: this.remoteAddress, err: error },
        'rocketmq connection closed: not a good frame',
      );
      this.#forgetWaiting();
      this.#socket.destroy();
      return;
    }
    this.#work();
  }

  /** Takes requests while there is room for their answers; while many wait the socket is left unread. */
  #work(): void {
    let taken = 0;
    while (taken < this.#inbox.length && this.#inFlight < this.#limits.maxInFlight && !this.#isClogged()) {
      const request = this.#inbox[taken++];
      if (request === undefined) continue;
      this.#waitingBytes -= bytesOf(request);
      if (isResponse(request)) this.#asked.get(request.opaque)?.(request);
      else this.#start(request);
    }
    if (taken > 0) this.#inbox = this.#inbox.slice(taken);
    const full = this.#waitingBytes >= WAITING_BYTES;
    if (full === this.#paused || this.#socket.destroyed) return;
    this.#paused = full;
    if (full) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Only when a drain event is sure to follow: nothing else would go on with the requests left. */
  #isClogged(): boolean {
    return this.#socket.writableNeedDrain && this.#socket.writableLength >= this.#limits.pauseWriteBytes;
  }

  #start(request: RemotingCommand): void {
    try {
      const answer = this.#handle(request, this);
      if (!(answer instanceof Promise)) return this.#answer(request, answer);
      this.#inFlight++;
      void this.#settle(request, answer).then(this.#goOn);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  readonly #goOn = (): void => {
    this.#inFlight--;
    if (this.#inbox.length > 0) this.#work();
  };

  /** Never rejects: an answer that cannot even be written closes the connection. */
  async #settle(request: RemotingCommand, work: Promise<RemotingCommand | undefined>): Promise<void> {
    try {
      this.#answer(request, await work);
    } catch (error) {
      this.#fail(request, error);
    }
  }

  #answer(request: RemotingCommand, response: RemotingCommand | undefined): void {
    if (response === undefined || isOneway(request)) return;
    this.send(response);
  }

  #fail(request: RemotingCommand, error: unknown): void {
    const { code, remark, expected, extFields = {} } = answerOfError(error);
    if (!expected) {
      this.#logger.error(
        { peer: this.remoteAddress, code: request.code, err: error },
        'rocketmq request failed',
      );
    }
    try {
      this.#answer(request, createResponse(request, code, { remark, extFields }));
    } catch {
      this.close('an answer could not be written');
    }
  }
}

function bytesOf(request: RemotingCommand): number {
  return REQUEST_BYTES + request.body.length;
}
