import {
  type CommandPayload,
  commands,
  EMPTY_BODY,
  type RemotingCommand,
  RequestCode,
} from '@dt/rocketmq-protocol';
import type { StoredQueueOffset } from './offset-store.ts';

/** What brokers may ask of a member of a group. */
export interface AskedConsumer {
  readonly group: string;
  /** How far it is, in all its queues. */
  readonly progress: readonly StoredQueueOffset[];
  rebalance(): void;
  /** Goes on at another offset of a queue, if the queue is one of its own. */
  resetTo(offset: StoredQueueOffset): void;
}

const DONE: CommandPayload = { extFields: {}, body: EMPTY_BODY };

/** Answers a request that a broker started; `undefined` for one that is not known. */
export function answerBroker(request: RemotingCommand, consumer: AskedConsumer): CommandPayload | undefined {
  switch (request.code) {
    case RequestCode.NOTIFY_CONSUMER_IDS_CHANGED: {
      const { consumerGroup } = commands.notifyConsumerIdsChanged.decodeRequest(request);
      if (consumerGroup === consumer.group) consumer.rebalance();
      return DONE;
    }
    case RequestCode.RESET_CONSUMER_CLIENT_OFFSET: {
      const { group, topic, offsets } = commands.resetConsumerClientOffset.decodeRequest(request);
      const wanted = offsets.filter(({ queue }) => group === consumer.group && queue.topic === topic);
      for (const offset of wanted) consumer.resetTo(offset);
      return DONE;
    }
    case RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT: {
      const { group, topic } = commands.getConsumerStatusFromClient.decodeRequest(request);
      const offsets = consumer.progress.filter(
        ({ queue }) => group === consumer.group && queue.topic === topic,
      );
      return commands.getConsumerStatusFromClient.encodeResponse({ offsets });
    }
    default:
      return undefined;
  }
}
