import { RequestCode } from '../codes/request-codes.ts';
import {
  subscriptionGroupConfigFromJson,
  subscriptionGroupConfigToJson,
  type SubscriptionGroupConfig,
} from '../data/subscription-group-config.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

/** Creates a consumer group on a broker or changes it. */
export const updateAndCreateSubscriptionGroup = command<SubscriptionGroupConfig, Nothing>(
  RequestCode.UPDATE_AND_CREATE_SUBSCRIPTIONGROUP,
  {
    request: bodyOnly({
      encode: (config) => jsonBody(subscriptionGroupConfigToJson(config)),
      decode: (body) => subscriptionGroupConfigFromJson(JsonReader.parse(body, 'SubscriptionGroupConfig')),
    }),
    response: nothing,
  },
);
