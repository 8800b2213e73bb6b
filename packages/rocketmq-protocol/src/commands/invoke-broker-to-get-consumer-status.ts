import { RequestCode } from '../codes/request-codes.ts';
import { bodyOnly, command, headerOnly } from './command-codec.ts';
import {
  consumerStatusByClientBody,
  consumerStatusHeader,
  type ConsumerStatusByClient,
  type ConsumerStatusRequest,
} from './consumer-status-body.ts';

/** Has a broker ask the members of a group how far they are. A member that does not answer in time is left out. */
export const invokeBrokerToGetConsumerStatus = command<ConsumerStatusRequest, ConsumerStatusByClient>(
  RequestCode.INVOKE_BROKER_TO_GET_CONSUMER_STATUS,
  { request: headerOnly(consumerStatusHeader), response: bodyOnly(consumerStatusByClientBody) },
);
