import { RequestCode } from '../codes/request-codes.ts';
import { bodyOnly, command, headerOnly } from './command-codec.ts';
import {
  consumerStatusBody,
  consumerStatusHeader,
  type ConsumerStatus,
  type ConsumerStatusRequest,
} from './consumer-status-body.ts';

/** From a broker to a member of a group: how far are you in your queues of this topic? */
export const getConsumerStatusFromClient = command<ConsumerStatusRequest, ConsumerStatus>(
  RequestCode.GET_CONSUMER_STATUS_FROM_CLIENT,
  { request: headerOnly(consumerStatusHeader), response: bodyOnly(consumerStatusBody) },
);
