import { RequestCode } from '../codes/request-codes.ts';
import { dataVersionFromJson, dataVersionToJson, type DataVersion } from '../data/data-version.ts';
import {
  subscriptionGroupConfigFromJson,
  subscriptionGroupConfigToJson,
  type SubscriptionGroupConfig,
} from '../data/subscription-group-config.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface AllSubscriptionGroupConfigs {
  dataVersion: DataVersion;
  groups: SubscriptionGroupConfig[];
}

function encode({ dataVersion, groups }: AllSubscriptionGroupConfigs): Buffer {
  return jsonBody({
    dataVersion: dataVersionToJson(dataVersion),
    forbiddenTable: {},
    subscriptionGroupTable: Object.fromEntries(
      groups.map((group) => [group.groupName, subscriptionGroupConfigToJson(group)]),
    ),
  });
}

function decode(body: Buffer): AllSubscriptionGroupConfigs {
  const document = JsonReader.parse(body, 'SubscriptionGroupWrapper');
  const table = document.object('subscriptionGroupTable');
  return {
    dataVersion: dataVersionFromJson(document, 'dataVersion'),
    groups: table.keys.map((name) => subscriptionGroupConfigFromJson(table.object(name))),
  };
}

/** All consumer groups as one broker has them. */
export const getAllSubscriptionGroupConfig = command<Nothing, AllSubscriptionGroupConfigs>(
  RequestCode.GET_ALL_SUBSCRIPTIONGROUP_CONFIG,
  { request: nothing, response: bodyOnly({ encode, decode }) },
);
