import { RequestCode } from '../codes/request-codes.ts';
import {
  subscriptionGroupConfigFromJson,
  subscriptionGroupConfigToJson,
  type SubscriptionGroupConfig,
} from '../data/subscription-group-config.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_SUBSCRIPTIONGROUP_CONFIG request', { group: text() });

export type GetSubscriptionGroupConfigRequest = ReturnType<typeof requestHeader.decode>;

/** A consumer group as one broker has it. Unknown: SYSTEM_ERROR. */
export const getSubscriptionGroupConfig = command<GetSubscriptionGroupConfigRequest, SubscriptionGroupConfig>(
  RequestCode.GET_SUBSCRIPTIONGROUP_CONFIG,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({
      encode: (config) => jsonBody(subscriptionGroupConfigToJson(config)),
      decode: (body) => subscriptionGroupConfigFromJson(JsonReader.parse(body, 'SubscriptionGroupConfig')),
    }),
  },
);
