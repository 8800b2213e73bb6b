import {
  queueOffsetsOf,
  queueOffsetsToJson,
  readQueueOffsets,
  type QueueOffset,
} from '../data/queue-offsets.ts';
import { header, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { jsonBody } from './command-codec.ts';

/** Asks for the offsets as the members of a group have them. */
export const consumerStatusHeader = header('consumer status request', {
  topic: text(),
  group: text(),
  /** Id of a client, whatever the name says; all when absent. */
  clientAddr: optional(text()),
});

export type ConsumerStatusRequest = ReturnType<typeof consumerStatusHeader.decode>;

/** What one member has done. */
export interface ConsumerStatus {
  offsets: QueueOffset[];
}

/** What each member has done, by client id. */
export interface ConsumerStatusByClient {
  clients: { clientId: string; offsets: QueueOffset[] }[];
}

export const consumerStatusBody = {
  encode: ({ offsets }: ConsumerStatus): Buffer =>
    jsonBody({ consumerTable: {}, messageQueueTable: queueOffsetsToJson(offsets) }),
  decode: (body: Buffer): ConsumerStatus => ({
    offsets: readQueueOffsets(JsonReader.parse(body, 'GetConsumerStatusBody'), 'messageQueueTable'),
  }),
};

export const consumerStatusByClientBody = {
  encode: ({ clients }: ConsumerStatusByClient): Buffer =>
    jsonBody({
      consumerTable: Object.fromEntries(
        clients.map(({ clientId, offsets }) => [clientId, queueOffsetsToJson(offsets)]),
      ),
      messageQueueTable: {},
    }),
  decode: (body: Buffer): ConsumerStatusByClient => {
    const document = JsonReader.parse(body, 'GetConsumerStatusBody');
    if (!document.has('consumerTable')) return { clients: [] };
    const table = document.object('consumerTable');
    return {
      clients: table.keys.map((clientId) => ({
        clientId,
        offsets: queueOffsetsOf(table.object(clientId), 'consumerTable'),
      })),
    };
  },
};
