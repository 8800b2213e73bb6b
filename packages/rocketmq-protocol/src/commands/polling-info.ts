import { RequestCode } from '../codes/request-codes.ts';
import { header, int32, text } from '../header/fields.ts';
import { command, headerOnly } from './command-codec.ts';

const requestHeader = header('POLLING_INFO request', {
  consumerGroup: text(),
  topic: text(),
  /** As the pops that wait have it: -1 counts those for all queues. */
  queueId: int32(),
});

const responseHeader = header('POLLING_INFO response', { pollingNum: int32() });

export type PollingInfoRequest = ReturnType<typeof requestHeader.decode>;
export type PollingInfoResponse = ReturnType<typeof responseHeader.decode>;

/** How many pops wait for messages. */
export const pollingInfo = command<PollingInfoRequest, PollingInfoResponse>(RequestCode.POLLING_INFO, {
  request: headerOnly(requestHeader),
  response: headerOnly(responseHeader),
});
