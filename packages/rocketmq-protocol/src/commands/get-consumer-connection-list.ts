import { RequestCode } from '../codes/request-codes.ts';
import {
  clientConnectionFromJson,
  clientConnectionToJson,
  type ClientConnection,
} from '../data/client-connection.ts';
import {
  subscriptionFromJson,
  subscriptionToJson,
  type SubscriptionData,
} from '../data/subscription-data.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('GET_CONSUMER_CONNECTION_LIST request', { consumerGroup: text() });

export type GetConsumerConnectionListRequest = ReturnType<typeof requestHeader.decode>;

export interface ConsumerConnections {
  connections: ClientConnection[];
  consumeType: string;
  messageModel: string;
  consumeFromWhere: string;
  subscriptions: SubscriptionData[];
}

function encode(value: ConsumerConnections): Buffer {
  return jsonBody({
    connectionSet: value.connections.map(clientConnectionToJson),
    consumeFromWhere: value.consumeFromWhere,
    consumeType: value.consumeType,
    messageModel: value.messageModel,
    subscriptionTable: Object.fromEntries(
      value.subscriptions.map((subscription) => [subscription.topic, subscriptionToJson(subscription)]),
    ),
  });
}

function decode(body: Buffer): ConsumerConnections {
  const document = JsonReader.parse(body, 'ConsumerConnection');
  return {
    connections: document.objects('connectionSet').map(clientConnectionFromJson),
    consumeType: document.string('consumeType', ''),
    messageModel: document.string('messageModel', ''),
    consumeFromWhere: document.string('consumeFromWhere', ''),
    subscriptions: subscriptions(document),
  };
}

function subscriptions(document: JsonReader): SubscriptionData[] {
  if (!document.has('subscriptionTable')) return [];
  const table = document.object('subscriptionTable');
  return table.keys.map((topic) => subscriptionFromJson(table.object(topic)));
}

/** The clients of a consumer group that are connected to one broker. None: CONSUMER_NOT_ONLINE. */
export const getConsumerConnectionList = command<GetConsumerConnectionListRequest, ConsumerConnections>(
  RequestCode.GET_CONSUMER_CONNECTION_LIST,
  { request: headerOnly(requestHeader), response: bodyOnly({ encode, decode }) },
);
