import type { Socket } from 'node:net';
import {
  type CommandPayload,
  createRequest,
  createResponse,
  encodeCommandHead,
  FrameDecoder,
  isOneway,
  isResponse,
  type RemotingCommand,
  requestCodeName,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { messageOf, RocketMQError } from '../errors.ts';
import { tlsFailure } from './tls.ts';

export interface InvokeOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Answers a request that the peer started; `undefined` for a code it does not know. */
export type RequestHandler = (
  request: RemotingCommand,
  address: string,
) => Promise<CommandPayload | undefined>;

export interface ConnectionOptions {
  address: string;
  maxInFlightRequests: number;
  onRequest: RequestHandler;
  onClose: (error: RocketMQError) => void;
}

interface Pending {
  code: number;
  /** Ends when it is written: no answer comes. */
  oneway: boolean;
  /** With the answer; of a one-way request with itself. */
  resolve: (command: RemotingCommand) => void;
  reject: (error: RocketMQError) => void;
  timer: NodeJS.Timeout;
  startedAt: number;
  written: boolean;
  release: (() => void) | undefined;
}

/** Bodies up to this size are copied behind their header: one write is cheaper than two. */
const COPY_BELOW_BYTES = 16_384;
/** Two time-outs this far apart without a byte in between mean that the peer is gone without a word. */
const SILENCE_MS = 2000;
const MAX_OPAQUE = 0x7fffffff;

/**
 * One socket to one NameServer or broker: requests with answers matched by opaque, out of order and with
 * time-outs; requests of the peer go to `onRequest`. Bytes that make no sense close it. A closed connection
 * rejects everything that waits and is never used again.
 */
export class Connection {
  readonly address: string;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #decoder = new FrameDecoder();
  readonly #pending = new Map<number, Pending>();
  /** Written when the socket has room again; those that ended meanwhile are passed by. */
  #unwritten: RemotingCommand[] = [];
  #blocked = false;
  #opaque = 0;
  #closedWith: RocketMQError | undefined;
  #retiring = false;
  #lastReadAt = 0;
  #silentSince: number | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.address = options.address;
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('drain', () => this.#onDrain());
    socket.on('error', (error) =>
      this.#end(tlsFailure(error, this.address) ?? this.#lost(error.message, error)),
    );
    socket.on('close', () => this.#end(this.#lost('closed by the peer')));
  }

  get closed(): boolean {
    return this.#closedWith !== undefined;
  }

  /** Resolves with the answer, whatever its code. Rejects with `outcome` telling whether the request was written. */
  invoke(code: number, payload: CommandPayload, options: InvokeOptions): Promise<RemotingCommand> {
    return this.#request(code, payload, options, false);
  }

  /**
   * Resolves when the socket has taken the request: at once while it has room, else when it has room again. What
   * becomes of the request after that nobody says.
   */
  async sendOneway(code: number, payload: CommandPayload, options: InvokeOptions): Promise<void> {
    await this.#request(code, payload, options, true);
  }

  /** Takes no part in anything new, and closes when the answers it waits for have come. */
  retire(): void {
    this.#retiring = true;
    if (this.#pending.size === 0) this.close();
  }

  close(): void {
    this.#end(new RocketMQError('closed', `connection to ${this.address} was closed`));
  }

  #request(
    code: number,
    payload: CommandPayload,
    options: InvokeOptions,
    oneway: boolean,
  ): Promise<RemotingCommand> {
    return new Promise((resolve, reject) => {
      const refused = this.#refusal(options.signal);
      if (refused !== undefined) return reject(refused);
      const opaque = this.#nextOpaque();
      const pending: Pending = {
        code,
        oneway,
        resolve,
        reject,
        timer: setTimeout(() => this.#expire(opaque, options.timeoutMs), options.timeoutMs),
        startedAt: Date.now(),
        written: false,
        release: this.#onAbort(opaque, options.signal),
      };
      this.#pending.set(opaque, pending);
      const request = createRequest(code, payload, { opaque, oneway });
      if (this.#blocked) this.#unwritten.push(request);
      else this.#writeRequest(request, pending);
    });
  }

  #refusal(signal: AbortSignal | undefined): RocketMQError | undefined {
    if (this.#closedWith !== undefined) {
      const { code, message } = this.#closedWith;
      return new RocketMQError(code, message, {
        retryable: code === 'connection-lost',
        cause: this.#closedWith,
      });
    }
    if (signal?.aborted === true)
      return new RocketMQError('aborted', 'aborted by the caller', { cause: signal.reason });
    if (this.#pending.size >= this.#options.maxInFlightRequests) {
      const text = `${this.#pending.size} requests wait for answers of ${this.address}`;
      return new RocketMQError('overloaded', text, { retryable: true });
    }
    return undefined;
  }

  #nextOpaque(): number {
    do this.#opaque = this.#opaque >= MAX_OPAQUE ? 1 : this.#opaque + 1;
    while (this.#pending.has(this.#opaque));
    return this.#opaque;
  }

  #onAbort(opaque: number, signal: AbortSignal | undefined): (() => void) | undefined {
    if (signal === undefined) return undefined;
    const abort = (): void => {
      const pending = this.#take(opaque);
      if (pending === undefined) return;
      const outcome = pending.written ? 'unknown' : 'not-sent';
      pending.reject(
        new RocketMQError('aborted', 'aborted by the caller', { outcome, cause: signal.reason }),
      );
    };
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  }

  #writeRequest(request: RemotingCommand, pending: Pending): void {
    try {
      this.#write(request);
      pending.written = true;
      if (pending.oneway) this.#take(request.opaque)?.resolve(request);
    } catch (error) {
      this.#take(request.opaque);
      pending.reject(new RocketMQError('message-invalid', messageOf(error), { cause: error }));
    }
  }

  #write(command: RemotingCommand): void {
    const head = encodeCommandHead(command);
    const { body } = command;
    let room: boolean;
    if (body.length === 0) {
      room = this.#socket.write(head);
    } else if (body.length < COPY_BELOW_BYTES) {
      room = this.#socket.write(Buffer.concat([head, body]));
    } else {
      this.#socket.cork();
      this.#socket.write(head);
      room = this.#socket.write(body);
      this.#socket.uncork();
    }
    if (!room) this.#blocked = true;
  }

  #onDrain(): void {
    this.#blocked = false;
    let at = 0;
    for (; at < this.#unwritten.length && !this.#blocked; at++) {
      const request = this.#unwritten[at];
      const pending = request && this.#pending.get(request.opaque);
      if (request !== undefined && pending !== undefined) this.#writeRequest(request, pending);
    }
    this.#unwritten = this.#unwritten.slice(at);
  }

  #onData(chunk: Buffer): void {
    this.#lastReadAt = Date.now();
    this.#silentSince = undefined;
    let commands: RemotingCommand[];
    try {
      commands = this.#decoder.push(chunk);
    } catch (error) {
      const text = `connection to ${this.address}: ${messageOf(error)}`;
      this.#end(new RocketMQError('bad-answer', text, { retryable: true, cause: error }));
      return;
    }
    // Both sides number their requests on their own, so the flag decides before the number is looked up.
    for (const command of commands) {
      if (isResponse(command)) this.#onResponse(command);
      else this.#onRequest(command);
    }
  }

  #onResponse(response: RemotingCommand): void {
    // An answer that came too late finds nobody and is dropped.
    this.#take(response.opaque)?.resolve(response);
    if (this.#retiring && this.#pending.size === 0) this.close();
  }

  #onRequest(request: RemotingCommand): void {
    this.#options.onRequest(request, this.address).then(
      (payload) => {
        if (payload === undefined) {
          const remark = ` request type ${request.code} not supported`;
          this.#respond(request, ResponseCode.REQUEST_CODE_NOT_SUPPORTED, { remark });
        } else {
          this.#respond(request, ResponseCode.SUCCESS, payload);
        }
      },
      (error: unknown) => this.#respond(request, ResponseCode.SYSTEM_ERROR, { remark: messageOf(error) }),
    );
  }

  #respond(
    request: RemotingCommand,
    code: number,
    payload: Partial<CommandPayload> & { remark?: string },
  ): void {
    if (isOneway(request) || this.closed) return;
    this.#write(createResponse(request, code, payload));
  }

  #expire(opaque: number, timeoutMs: number): void {
    const pending = this.#take(opaque);
    if (pending === undefined) return;
    const text = `${requestCodeName(pending.code)} at ${this.address}: ${pending.oneway ? 'not written' : 'no answer'} within ${timeoutMs} ms`;
    const outcome = pending.written ? 'unknown' : 'not-sent';
    pending.reject(new RocketMQError('timeout', text, { retryable: true, outcome }));
    if (pending.startedAt > this.#lastReadAt) this.#onSilence();
  }

  /** A peer that vanished without closing its socket shows only by silence: a new connection is then the cure. */
  #onSilence(): void {
    const now = Date.now();
    this.#silentSince ??= now;
    if (now - this.#silentSince >= SILENCE_MS) this.#end(this.#lost('the peer is silent'));
  }

  #take(opaque: number): Pending | undefined {
    const pending = this.#pending.get(opaque);
    if (pending === undefined) return undefined;
    this.#pending.delete(opaque);
    clearTimeout(pending.timer);
    pending.release?.();
    return pending;
  }

  #lost(reason: string, cause?: unknown): RocketMQError {
    const text = `connection to ${this.address}: ${reason}`;
    return new RocketMQError('connection-lost', text, { retryable: true, cause });
  }

  #end(error: RocketMQError): void {
    if (this.#closedWith !== undefined) return;
    this.#closedWith = error;
    this.#unwritten = [];
    this.#socket.destroy();
    for (const opaque of [...this.#pending.keys()]) {
      const pending = this.#take(opaque);
      if (pending === undefined) continue;
      const outcome = pending.written ? 'unknown' : 'not-sent';
      const text = `${requestCodeName(pending.code)}: ${error.message}`;
      pending.reject(
        new RocketMQError(error.code, text, { retryable: error.retryable, outcome, cause: error }),
      );
    }
    this.#options.onClose(error);
  }
}
