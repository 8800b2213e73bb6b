import type { Socket } from 'node:net';
import {
  type CommandPayload,
  createRequest,
  createResponse,
  EMPTY_BODY,
  FrameDecoder,
  isOneway,
  isResponse,
  type RemotingCommand,
  RequestCode,
  requestCodeName,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { messageOf, RocketMQError } from '../errors.ts';
import { onAbort } from '../timing/on-abort.ts';
import { FrameWriter } from './frame-writer.ts';
import { type AnswerReceiver, type PendingRequest, PendingRequests } from './pending-requests.ts';
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
  /** Requests wait, and nothing comes for so long: then the peer is asked for a sign of life. */
  silenceTimeoutMs: number;
  onRequest: RequestHandler;
  /** The peer is about to shut down: the connection closes when the answers it waits for have come. */
  onGoAway?: () => void;
  onClose: (error: RocketMQError) => void;
}

const NO_PAYLOAD: CommandPayload = { extFields: {}, body: EMPTY_BODY };
/**
 * Every peer answers this one somehow: NameServers know it, brokers say that they do not. Nobody needs a permission
 * for an answer.
 */
const PROBE_CODE = RequestCode.GET_BROKER_CLUSTER_INFO;
/** Answers to the peer's own requests are not kept beyond this. */
const MAX_UNREAD_BYTES = 16 * 1_048_576;
/** For the answer. */
const PROBE_TIMEOUT_MS = 3000;

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
  readonly #pending = new PendingRequests((request) => this.#expire(request));
  readonly #writer: FrameWriter;
  /** Written when the socket has room again; those that ended meanwhile are passed by. */
  #unwritten: RemotingCommand[] = [];
  #closedWith: RocketMQError | undefined;
  #retiring = false;
  #lastReadAt = 0;
  readonly #silenceTimer: NodeJS.Timeout;
  #isProbing = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.address = options.address;
    this.#socket = socket;
    this.#options = options;
    this.#writer = new FrameWriter(socket, () => this.#onRoom());
    socket.on('data', (chunk) => this.#onData(chunk));
    socket.on('error', (error) =>
      this.#end(tlsFailure(error, this.address) ?? this.#lost(error.message, error)),
    );
    socket.on('close', () => this.#end(this.#lost('closed by the peer')));
    const { silenceTimeoutMs } = options;
    // Four looks in the time: a silence is seen at most a quarter too late.
    this.#silenceTimer = setInterval(() => this.#checkSilence(), Math.ceil(silenceTimeoutMs / 4)).unref();
  }

  get closed(): boolean {
    return this.#closedWith !== undefined;
  }

  /** Resolves with the answer, whatever its code. Rejects with `outcome` telling whether the request was written. */
  invoke(code: number, payload: CommandPayload, options: InvokeOptions): Promise<RemotingCommand> {
    return new Promise((resolve, reject) =>
      this.#request(code, payload, options, false, { answered: resolve, failed: reject }),
    );
  }

  /** The same without a promise, for what is done many thousand times a second. */
  request(code: number, payload: CommandPayload, options: InvokeOptions, receiver: AnswerReceiver): void {
    this.#request(code, payload, options, false, receiver);
  }

  /**
   * Resolves when the socket has taken the request: at once while it has room, else when it has room again. What
   * becomes of the request after that nobody says.
   */
  sendOneway(code: number, payload: CommandPayload, options: InvokeOptions): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#request(code, payload, options, true, { answered: () => resolve(), failed: reject }),
    );
  }

  close(): void {
    this.#end(new RocketMQError('closed', `connection to ${this.address} was closed`));
  }

  #request(
    code: number,
    payload: CommandPayload,
    options: InvokeOptions,
    oneway: boolean,
    receiver: AnswerReceiver,
  ): void {
    const refused = this.#refusal(options.signal);
    if (refused !== undefined) return receiver.failed(refused);
    const opaque = this.#pending.nextOpaque();
    const pending: PendingRequest = {
      opaque,
      code,
      oneway,
      receiver,
      startedAt: Date.now(),
      timeoutMs: options.timeoutMs,
      written: false,
      release: this.#onAbort(opaque, options.signal),
    };
    this.#pending.add(pending);
    const request = createRequest(code, payload, { opaque, oneway });
    if (this.#writer.full) this.#unwritten.push(request);
    else this.#writeRequest(request, pending);
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

  #onAbort(opaque: number, signal: AbortSignal | undefined): (() => void) | undefined {
    if (signal === undefined) return undefined;
    return onAbort(signal, () => {
      const pending = this.#pending.take(opaque);
      if (pending === undefined) return;
      const outcome = pending.written ? 'unknown' : 'not-sent';
      pending.receiver.failed(
        new RocketMQError('aborted', 'aborted by the caller', { outcome, cause: signal.reason }),
      );
    });
  }

  #writeRequest(request: RemotingCommand, pending: PendingRequest): void {
    try {
      // Alone it has nothing to wait for; among others it is gathered with what comes in this turn.
      this.#writer.write(request, this.#pending.size === 1);
      pending.written = true;
      if (pending.oneway) this.#pending.take(request.opaque)?.receiver.answered(request);
    } catch (error) {
      this.#pending.take(request.opaque);
      pending.receiver.failed(new RocketMQError('message-invalid', messageOf(error), { cause: error }));
    }
  }

  #onRoom(): void {
    let at = 0;
    for (; at < this.#unwritten.length && !this.#writer.full; at++) {
      const request = this.#unwritten[at];
      const pending = request && this.#pending.get(request.opaque);
      if (request !== undefined && pending !== undefined) this.#writeRequest(request, pending);
    }
    this.#unwritten = this.#unwritten.slice(at);
  }

  #onData(chunk: Buffer): void {
    this.#lastReadAt = Date.now();
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
    if (response.code === ResponseCode.GO_AWAY) {
      this.#retiring = true;
      this.#options.onGoAway?.();
    }
    // An answer that came too late finds nobody and is dropped.
    this.#pending.take(response.opaque)?.receiver.answered(response);
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
    if (this.#socket.writableLength > MAX_UNREAD_BYTES) {
      this.#end(this.#lost('the peer asks and does not read its answers'));
      return;
    }
    this.#writer.write(createResponse(request, code, payload), true);
  }

  #expire(pending: PendingRequest): void {
    const { timeoutMs } = pending;
    const text = `${requestCodeName(pending.code)} at ${this.address}: ${pending.oneway ? 'not written' : 'no answer'} within ${timeoutMs} ms`;
    const outcome = pending.written ? 'unknown' : 'not-sent';
    pending.receiver.failed(new RocketMQError('timeout', text, { retryable: true, outcome }));
    if (pending.written && pending.startedAt > this.#lastReadAt) this.#probe();
  }

  #checkSilence(): void {
    const waitingSince = this.#pending.oldestStartedAt;
    if (waitingSince === undefined) return;
    const silentSince = Math.max(waitingSince, this.#lastReadAt);
    if (Date.now() - silentSince >= this.#options.silenceTimeoutMs) this.#probe();
  }

  /**
   * Asks for a sign of life. A peer that vanished without closing its socket shows only by silence, and then a new
   * connection is the cure.
   */
  #probe(): void {
    if (this.#isProbing || this.closed) return;
    this.#isProbing = true;
    const startedAt = Date.now();
    this.invoke(PROBE_CODE, NO_PAYLOAD, { timeoutMs: PROBE_TIMEOUT_MS })
      .catch(() => {
        if (this.#lastReadAt < startedAt) this.#end(this.#lost('the peer is silent'));
      })
      .finally(() => (this.#isProbing = false));
  }

  #lost(reason: string, cause?: unknown): RocketMQError {
    const text = `connection to ${this.address}: ${reason}`;
    return new RocketMQError('connection-lost', text, { retryable: true, cause });
  }

  #end(error: RocketMQError): void {
    if (this.#closedWith !== undefined) return;
    this.#closedWith = error;
    this.#unwritten = [];
    clearInterval(this.#silenceTimer);
    this.#socket.destroy();
    for (const pending of this.#pending.takeAll()) {
      const outcome = pending.written ? 'unknown' : 'not-sent';
      const text = `${requestCodeName(pending.code)}: ${error.message}`;
      pending.receiver.failed(
        new RocketMQError(error.code, text, { retryable: error.retryable, outcome, cause: error }),
      );
    }
    this.#options.onClose(error);
  }
}
