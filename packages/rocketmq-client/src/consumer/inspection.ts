import {
  type CommandPayload,
  commands,
  decodeStoredMessages,
  type RemotingCommand,
  RequestCode,
} from '@dt/rocketmq-protocol';
import { messageOf } from '../errors.ts';
import type { Slots } from '../timing/slots.ts';
import type { CheckedConsumerOptions } from './options.ts';
import { toCachedMessage } from './received-message.ts';

type DirectResult = commands.ConsumeMessageDirectlyResponse;

export interface InspectedConsumer {
  options: CheckedConsumerOptions;
  slots: Slots;
  /** Fires when the consumer is closed. */
  closing: AbortSignal;
  runningInfo: (withStack: boolean) => commands.ConsumerRunningInfo;
}

/** The broker gives up waiting then. */
const DIRECT_WAIT_MS = 10_000;

/** Answers what an admin asks a consumer through a broker; `undefined` for any other request. */
export async function answerInspection(
  request: RemotingCommand,
  consumer: InspectedConsumer,
): Promise<CommandPayload | undefined> {
  switch (request.code) {
    case RequestCode.GET_CONSUMER_RUNNING_INFO: {
      const { consumerGroup, jstackEnable } = commands.getConsumerRunningInfo.decodeRequest(request);
      assertOwn(consumerGroup, consumer);
      return commands.getConsumerRunningInfo.encodeResponse(consumer.runningInfo(jstackEnable ?? false));
    }
    case RequestCode.CONSUME_MESSAGE_DIRECTLY: {
      const direct = commands.consumeMessageDirectly.decodeRequest(request);
      assertOwn(direct.consumerGroup, consumer);
      return commands.consumeMessageDirectly.encodeResponse(await consumeDirectly(direct, consumer));
    }
    default:
      return undefined;
  }
}

function assertOwn(group: string, { options }: InspectedConsumer): void {
  // The text becomes the remark of the answer.
  if (group !== options.group) throw new Error(`The Consumer Group <${group}> not exist in this consumer`);
}

/** One handler call beside those of the queues, in a place of its own. */
async function consumeDirectly(
  { brokerName = '', body }: commands.ConsumeMessageDirectlyRequest,
  { options, slots, closing }: InspectedConsumer,
): Promise<DirectResult> {
  const [stored] = decodeStoredMessages(body);
  if (stored === undefined) throw new Error('the request has no message');
  const { topic, queueId } = stored;
  const { message, bodyError } = await toCachedMessage(
    stored,
    { topic, brokerName, queueId },
    options.namespace,
  );
  if (bodyError !== undefined) return result(options, 'CR_THROW_EXCEPTION', 0, bodyError);
  const release = await slots.acquire(AbortSignal.timeout(DIRECT_WAIT_MS));
  if (release === undefined) throw new Error(`no handler call ended within ${DIRECT_WAIT_MS} ms`);
  const startedAt = Date.now();
  const spentMs = (): number => Date.now() - startedAt;
  try {
    const outcome = await options.handler([message], { queue: message.queue, signal: closing, attempt: 1 });
    const hasFailed = (outcome?.failed.length ?? 0) > 0;
    return result(options, hasFailed ? 'CR_LATER' : 'CR_SUCCESS', spentMs());
  } catch (error) {
    return result(options, 'CR_THROW_EXCEPTION', spentMs(), messageOf(error));
  } finally {
    release();
  }
}

function result(
  { queueLocks }: CheckedConsumerOptions,
  consumeResult: DirectResult['consumeResult'],
  spentTimeMs: number,
  remark?: string,
): DirectResult {
  return { order: queueLocks, autoCommit: true, consumeResult, remark, spentTimeMs };
}
