import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('NOTIFY_CONSUMER_IDS_CHANGED request', {
  consumerGroup: text(),
});

export type NotifyConsumerIdsChangedRequest = ReturnType<typeof requestHeader.decode>;

/** One-way, from the broker to every member of a group whose membership or topics changed: rebalance now. */
export const notifyConsumerIdsChanged = command<NotifyConsumerIdsChangedRequest, Nothing>(
  RequestCode.NOTIFY_CONSUMER_IDS_CHANGED,
  {
    request: headerOnly(requestHeader),
    response: nothing,
  },
);
