import { JsonReader } from '../json/read.ts';
import { subscriptionFromJson, subscriptionToJson, type SubscriptionData } from './subscription-data.ts';

export type ConsumeType = 'CONSUME_ACTIVELY' | 'CONSUME_PASSIVELY' | 'CONSUME_POP';
export type MessageModel = 'CLUSTERING' | 'BROADCASTING';
export type ConsumeFromWhere = 'CONSUME_FROM_LAST_OFFSET' | 'CONSUME_FROM_FIRST_OFFSET' | 'CONSUME_FROM_TIMESTAMP';

export interface ConsumerData {
  groupName: string;
  /** Texts a peer sends are not checked against the known ones: the broker only shows them. */
  consumeType: ConsumeType | (string & {});
  messageModel: MessageModel | (string & {});
  consumeFromWhere: ConsumeFromWhere | (string & {});
  subscriptions: SubscriptionData[];
  unitMode: boolean;
}

/** What a client tells each broker about itself. */
export interface HeartbeatData {
  clientId: string;
  producerGroups: string[];
  consumers: ConsumerData[];
}

export function encodeHeartbeatData(heartbeat: HeartbeatData): Buffer {
  return Buffer.from(
    JSON.stringify({
      clientID: heartbeat.clientId,
      consumerDataSet: heartbeat.consumers.map((consumer) => ({
        consumeFromWhere: consumer.consumeFromWhere,
        consumeType: consumer.consumeType,
        groupName: consumer.groupName,
        messageModel: consumer.messageModel,
        subscriptionDataSet: consumer.subscriptions.map(subscriptionToJson),
        unitMode: consumer.unitMode,
      })),
      heartbeatFingerprint: 0,
      producerDataSet: heartbeat.producerGroups.map((groupName) => ({ groupName })),
      withoutSub: false,
    }),
  );
}

export function decodeHeartbeatData(body: Buffer): HeartbeatData {
  const document = JsonReader.parse(body, 'HeartbeatData');
  return {
    clientId: document.string('clientID'),
    producerGroups: document.objects('producerDataSet').map((producer) => producer.string('groupName')),
    consumers: document.objects('consumerDataSet').map((consumer) => ({
      groupName: consumer.string('groupName'),
      consumeType: consumer.string('consumeType', 'CONSUME_PASSIVELY'),
      messageModel: consumer.string('messageModel', 'CLUSTERING'),
      consumeFromWhere: consumer.string('consumeFromWhere', 'CONSUME_FROM_LAST_OFFSET'),
      subscriptions: consumer.objects('subscriptionDataSet').map(subscriptionFromJson),
      unitMode: consumer.boolean('unitMode', false),
    })),
  };
}
