import { RequestCode } from '../codes/request-codes.ts';
import {
  subscriptionFromJson,
  subscriptionToJson,
  type SubscriptionData,
} from '../data/subscription-data.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface CheckClientConfigRequest {
  clientId: string;
  group: string;
  /** Without one there is nothing to check. */
  subscription?: SubscriptionData | undefined;
}

function encode(request: CheckClientConfigRequest): Buffer {
  return jsonBody({
    clientId: request.clientId,
    group: request.group,
    ...(request.subscription && { subscriptionData: subscriptionToJson(request.subscription) }),
  });
}

function decode(body: Buffer): CheckClientConfigRequest {
  const document = JsonReader.parse(body, 'CHECK_CLIENT_CONFIG request');
  return {
    clientId: document.string('clientId', ''),
    group: document.string('group', ''),
    subscription: document.has('subscriptionData')
      ? subscriptionFromJson(document.object('subscriptionData'))
      : undefined,
  };
}

/** Asks whether the broker can filter by this subscription: code 1 when it does not at all, 23 when not by this one. */
export const checkClientConfig = command<CheckClientConfigRequest, Nothing>(RequestCode.CHECK_CLIENT_CONFIG, {
  request: bodyOnly({ encode, decode }),
  response: nothing,
});
