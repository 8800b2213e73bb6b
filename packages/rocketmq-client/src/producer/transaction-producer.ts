import { setMaxListeners } from 'node:events';
import {
  type CommandPayload,
  decodeOffsetMessageId,
  EMPTY_BODY,
  encodeProperties,
  MessageProperty,
  MessageSysFlag,
  type RemotingCommand,
  RequestCode,
} from '@dt/rocketmq-protocol';
import { asRocketMQError, messageOf, SendError } from '../errors.ts';
import { withinSignal } from '../timing/within-signal.ts';
import { compressBody, type EncodedMessage, isDelayed, type Message } from './message.ts';
import type { SendOptions } from './producer.ts';
import { type CallLimits, ProducerBase } from './producer-base.ts';
import { QueueSelector } from './queue-selector.ts';
import { asSendError, type SendResult } from './send-result.ts';
import type { Sent } from './send-steps.ts';
import { checkedState, endTransaction, TransactionChecks } from './transaction-checks.ts';
import {
  type CheckedTransactionOptions,
  checkTransactionOptions,
  type TransactionProducerOptions,
  type TransactionState,
} from './transaction-options.ts';

/** A message whose fate a local transaction decides. It cannot be delayed. */
export type TransactionalMessage = Omit<Message, 'delayLevel' | 'deliverAt' | 'delayMs'>;

export interface TransactionContext {
  /** The id the checker will see as `message.messageId`: note it with the local transaction. */
  readonly messageId: string;
  /** Fires when the caller gives up, or when the time to close is over. */
  readonly signal: AbortSignal;
}

/** Does the local transaction of a message that the broker has stored, but shows to nobody yet. */
export type LocalTransaction = (
  message: TransactionalMessage,
  context: TransactionContext,
) => Promise<TransactionState>;

export interface TransactionResult extends Omit<SendResult, 'queueOffset'> {
  /** With `unknown` the broker asks a checker later. */
  state: TransactionState;
  /** What the local function threw. */
  error?: unknown;
}

/**
 * Sends messages that consumers see only when a local transaction has committed. The broker asks back, this producer
 * or any other of the group, when it does not hear how the transaction ended: after a crash, too.
 */
export class TransactionProducer extends ProducerBase<CheckedTransactionOptions> {
  readonly #checks: TransactionChecks;
  /** Local functions by message id; also those that were given up, until they end. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(options: TransactionProducerOptions) {
    // Half messages of the group may lie on brokers this process has never sent to.
    super(checkTransactionOptions(options), { selector: new QueueSelector(), everyMaster: true });
    // Every local function under way listens; their number has a limit of its own.
    setMaxListeners(0, this.closing);
    this.#checks = new TransactionChecks(this.client, this.options, this.closing, (messageId) =>
      this.#running.has(messageId),
    );
  }

  /**
   * Stores the message out of sight, calls `execute`, and tells the broker what it answers. A function that throws
   * counts as `unknown`: it may have committed before, so a checker decides. Rejects with SendError when the message
   * could not be stored, and then `execute` was not called; and with `closed` or `aborted`, outcome `unknown`, when
   * `execute` did not end in time: then a checker decides, too.
   */
  async sendInTransaction(
    message: TransactionalMessage,
    execute: LocalTransaction,
    options: Omit<SendOptions, 'selectQueue'> = {},
  ): Promise<TransactionResult> {
    this.checkUsable();
    if (isDelayed(message))
      throw new SendError('message-invalid', 'a transactional message cannot be delayed');
    const encoded = this.encoder.encode(message);
    const limits = this.limits(options);
    return this.whenRoom(1, encoded.body.length, limits, () => this.#send(message, encoded, execute, limits));
  }

  protected override async onRequest(
    request: RemotingCommand,
    address: string,
  ): Promise<CommandPayload | undefined> {
    if (request.code !== RequestCode.CHECK_TRANSACTION_STATE) return undefined;
    this.#checks.take(request, address);
    return { extFields: {}, body: EMPTY_BODY };
  }

  /** Checks that run. */
  protected override settled(): Promise<void> {
    return this.#checks.settled();
  }

  async #send(
    message: TransactionalMessage,
    encoded: EncodedMessage,
    execute: LocalTransaction,
    limits: CallLimits,
  ): Promise<TransactionResult> {
    const { messageId } = encoded;
    // From before it is stored: a check can come before the answer of the send.
    this.#running.set(messageId, Promise.resolve());
    try {
      const sent = await this.#sendHalf(encoded, limits);
      this.tracer?.stored(encoded, sent, 0, true);
      const result = {
        status: sent.status,
        messageId,
        offsetMessageId: sent.offsetMessageIds[0] ?? '',
        queue: sent.queue,
      };
      // Stored, but maybe not for good: as Java, nothing is done that might then miss its message.
      const ended =
        sent.status === 'SEND_OK'
          ? await this.#execute(message, execute, messageId, limits.signal)
          : { state: 'rollback' as const };
      await this.#end(encoded.topic, messageId, sent, ended.state);
      return { ...result, ...ended };
    } finally {
      void this.#running.get(messageId)?.then(() => this.#running.delete(messageId));
    }
  }

  async #sendHalf(encoded: EncodedMessage, limits: CallLimits): Promise<Sent> {
    const { topic, shardingKey } = encoded;
    let queue;
    if (shardingKey !== undefined) {
      try {
        queue = this.selector.bySharding((await this.sender.route(topic)).writableQueues, shardingKey);
      } catch (error) {
        throw asSendError(error);
      }
    }
    const { body, sysFlag } = await compressBody(encoded.body, this.options.compressFromBytes);
    const properties =
      encodeProperties({
        [MessageProperty.TRANSACTION_PREPARED]: 'true',
        [MessageProperty.PRODUCER_GROUP]: this.options.group,
      }) + encoded.properties;
    return this.sender.send(
      {
        ...{ topic, queue, batch: false, messages: 1, body, properties },
        sysFlag: sysFlag | MessageSysFlag.TRANSACTION_PREPARED,
      },
      limits,
    );
  }

  async #execute(
    message: TransactionalMessage,
    execute: LocalTransaction,
    messageId: string,
    given: AbortSignal | undefined,
  ): Promise<{ state: TransactionState; error?: unknown }> {
    const closing = this.closing;
    const signal = given === undefined ? closing : AbortSignal.any([given, closing]);
    const local = Promise.resolve()
      .then(() => execute(message, { messageId, signal }))
      .then(
        (state) => ({ state: checkedState(state) }),
        (error: unknown) => {
          this.options.logger.warn('local transaction failed', { messageId, error: messageOf(error) });
          return { state: 'unknown' as const, error };
        },
      );
    this.#running.set(messageId, local);
    try {
      return await withinSignal(local, signal);
    } catch (cause) {
      const code = closing.aborted ? 'closed' : 'aborted';
      const text = `message ${messageId} is stored, and its local transaction had not ended: a checker decides`;
      throw new SendError(code, text, { outcome: 'unknown', cause, attempts: 1 });
    }
  }

  /** A failure is no failure of the call: the broker asks. */
  async #end(topic: string, messageId: string, sent: Sent, state: TransactionState): Promise<void> {
    const { brokerName } = sent.queue;
    try {
      const { physicalOffset } = decodeOffsetMessageId(sent.offsetMessageIds[0] ?? '');
      const half = { topic, brokerName, messageId, queueOffset: sent.queueOffset, physicalOffset };
      const address = await this.client.masterOf(topic, brokerName);
      await endTransaction(this.client, address, this.options, half, state, false);
    } catch (error) {
      const { message } = asRocketMQError(error);
      this.options.logger.warn('end of a transaction not told', { messageId, state, error: message });
    }
  }
}
