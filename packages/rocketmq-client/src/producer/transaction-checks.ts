import {
  commands,
  decodeStoredMessage,
  MessageProperty,
  MessageSysFlag,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { toCachedMessage } from '../consumer/received-message.ts';
import { messageOf } from '../errors.ts';
import { Slots } from '../timing/slots.ts';
import { withinSignal } from '../timing/within-signal.ts';
import type { CheckedTransactionOptions, TransactionState } from './transaction-options.ts';

/** Bits of `commitOrRollback`. Nobody is told of `unknown`: a broker neither acts on it nor answers. */
const END: Record<Exclude<TransactionState, 'unknown'>, number> = {
  commit: MessageSysFlag.TRANSACTION_COMMIT,
  rollback: MessageSysFlag.TRANSACTION_ROLLBACK,
};

/** A half message as its broker knows it. */
export interface HalfMessage {
  topic: string;
  brokerName: string;
  messageId: string;
  /** Offset in the half topic. */
  queueOffset: number;
  physicalOffset: number;
}

type EndOptions = Pick<CheckedTransactionOptions, 'group' | 'requestTimeoutMs'>;

/** Tells a broker how a transaction ended. One-way: what is lost on the way is asked for by the broker. */
export async function endTransaction(
  client: ClientInstance,
  address: string,
  { group, requestTimeoutMs: timeoutMs }: EndOptions,
  half: HalfMessage,
  state: TransactionState,
  fromTransactionCheck: boolean,
): Promise<void> {
  if (state === 'unknown') return;
  const payload = commands.endTransaction.encodeRequest({
    topic: half.topic,
    producerGroup: group,
    tranStateTableOffset: half.queueOffset,
    commitLogOffset: half.physicalOffset,
    commitOrRollback: END[state],
    fromTransactionCheck,
    msgId: half.messageId,
    transactionId: half.messageId,
    brokerName: half.brokerName,
  });
  await client.sendOneway(address, commands.endTransaction.code, payload, { timeoutMs });
}

/** Answers the brokers' questions about half messages with what the checker says. */
export class TransactionChecks {
  readonly #client: ClientInstance;
  readonly #options: CheckedTransactionOptions;
  readonly #closing: AbortSignal;
  /** Whether the local function of this message still runs in this process. */
  readonly #isRunning: (messageId: string) => boolean;
  readonly #slots: Slots;
  readonly #pending = new Set<Promise<void>>();

  constructor(
    client: ClientInstance,
    options: CheckedTransactionOptions,
    closing: AbortSignal,
    isRunning: (messageId: string) => boolean,
  ) {
    this.#client = client;
    this.#options = options;
    this.#closing = closing;
    this.#isRunning = isRunning;
    this.#slots = new Slots(options.checkConcurrency);
  }

  /** Takes the question; the answer goes out when the checker has spoken. */
  take(request: RemotingCommand, address: string): void {
    if (this.#pending.size >= this.#options.maxPendingChecks) {
      this.#options.logger.warn('check of a transaction dropped: too many wait', { address });
      return;
    }
    const check = this.#answer(request, address).catch((error: unknown) => {
      this.#options.logger.warn('check of a transaction failed', { address, error: messageOf(error) });
    });
    this.#pending.add(check);
    void check.then(() => this.#pending.delete(check));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #answer(request: RemotingCommand, address: string): Promise<void> {
    const header = commands.checkTransactionState.decodeRequest(request);
    const stored = decodeStoredMessage(header.body);
    const { group, namespace } = this.#options;
    if (stored.properties[MessageProperty.PRODUCER_GROUP] !== group) return;
    const { topic, queueId } = stored;
    const brokerName = header.brokerName ?? '';
    const { message, bodyError } = await toCachedMessage(stored, { topic, brokerName, queueId }, namespace);
    if (bodyError !== undefined) throw new Error(bodyError);
    const { messageId } = message;
    // Its own function will say; a checker would not find anything yet and might call that a rollback.
    if (this.#isRunning(messageId)) return;
    const release = await this.#slots.acquire(this.#closing);
    if (release === undefined) return;
    try {
      const signal = AbortSignal.any([this.#closing, AbortSignal.timeout(this.#options.checkTimeoutMs)]);
      const state = await withinSignal(this.#options.checker(message, { signal }), signal);
      // The copy that is asked about: that of the send is no longer the one that counts.
      const { tranStateTableOffset: queueOffset, commitLogOffset: physicalOffset } = header;
      const half = { topic, brokerName, messageId, queueOffset, physicalOffset };
      await endTransaction(this.#client, address, this.#options, half, checkedState(state), true);
    } finally {
      release();
    }
  }
}

/** What is none of the three words counts as `unknown`: the worst it can do is another check. */
export function checkedState(state: unknown): TransactionState {
  return state === 'commit' || state === 'rollback' ? state : 'unknown';
}
