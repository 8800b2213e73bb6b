import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('DELETE_SUBSCRIPTIONGROUP request', {
  groupName: text(),
  /** Forget the offsets of the group, too. */
  cleanOffset: optional(boolean()),
});

export type DeleteSubscriptionGroupRequest = ReturnType<typeof requestHeader.decode>;

/** Removes a consumer group from a broker, also one that is not there. */
export const deleteSubscriptionGroup = command<DeleteSubscriptionGroupRequest, Nothing>(
  RequestCode.DELETE_SUBSCRIPTIONGROUP,
  { request: headerOnly(requestHeader), response: nothing },
);
