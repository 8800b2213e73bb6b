import {
  commands,
  PopInitMode,
  RequestCode,
  ResponseCode,
  type SubscriptionData,
} from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { asRocketMQError, errorOfResponse, messageOf, RocketMQError } from '../errors.ts';
import { poppedEntries, type UnreadEntry } from './popped-message.ts';

export interface PopperOptions {
  group: string;
  namespace: string | undefined;
  order: boolean;
  from: 'last' | 'first';
  invisibleMs: number;
}

/** What of the messages of one topic lies at one broker. */
export interface PopTarget {
  readonly subscription: SubscriptionData;
  readonly brokerName: string;
}

export interface Popped {
  readonly wanted: UnreadEntry[];
  /** Given by the hash of their tag, but of another tag: done with. */
  readonly unwanted: UnreadEntry[];
}

/** A broker ends a poll on time: an answer that is so late will not come. */
const LATE_MS = 10_000;
const CLOCKS_DIFFER = /timeout too much/;

/** Pops from one broker and makes sense of the answer. */
export async function popFrom(
  client: ClientInstance,
  { subscription, brokerName }: PopTarget,
  options: PopperOptions,
  { maxMessages, waitMs, signal }: { maxMessages: number; waitMs: number; signal: AbortSignal },
): Promise<Popped> {
  const { topic, subString, expressionType, tagsSet } = subscription;
  const address = await client.masterOf(topic, brokerName);
  const request = commands.popMessage.encodeRequest({
    consumerGroup: options.group,
    topic,
    queueId: -1,
    maxMsgNums: maxMessages,
    invisibleTime: options.invisibleMs,
    pollTime: waitMs,
    bornTime: Date.now(),
    initMode: options.from === 'first' ? PopInitMode.MIN : PopInitMode.MAX,
    expType: expressionType,
    exp: subString,
    order: options.order || undefined,
  });
  const limits = { timeoutMs: waitMs + LATE_MS, signal };
  const answer = await client.invoke(address, RequestCode.POP_MESSAGE, request, limits);
  const receivedAt = Date.now();
  switch (answer.code) {
    case ResponseCode.SUCCESS:
      break;
    case ResponseCode.POLLING_TIMEOUT:
      if (!CLOCKS_DIFFER.test(answer.remark ?? '')) return { wanted: [], unwanted: [] };
      throw new RocketMQError(
        'broker-error',
        `POP_MESSAGE at ${address}: the request looks old to the broker, do its clock and this one differ?`,
        { retryable: true, outcome: 'rejected', responseCode: answer.code },
      );
    case ResponseCode.POLLING_FULL:
      throw new RocketMQError('broker-error', `POP_MESSAGE at ${address}: too many pops wait there`, {
        ...{ retryable: true, outcome: 'rejected', responseCode: answer.code },
      });
    default:
      throw errorOfResponse(answer, 'POP_MESSAGE', address);
  }
  try {
    const response = commands.popMessage.decodeResponse(answer);
    const { group, namespace } = options;
    const entries = poppedEntries({ group, namespace, topic, brokerName, response, receivedAt });
    const tags = new Set(tagsSet);
    const isWanted = ({ entry }: UnreadEntry): boolean =>
      tags.size === 0 || tags.has(entry.message.tag ?? '');
    return {
      wanted: entries.filter(isWanted),
      unwanted: entries.filter((entry) => !isWanted(entry)),
    };
  } catch (error) {
    const text = `POP_MESSAGE of ${topic}: ${messageOf(error)}`;
    throw new RocketMQError('bad-answer', text, { retryable: true, cause: asRocketMQError(error) });
  }
}
