import { JsonReader } from '../json/read.ts';
import { jsonBody } from './command-codec.ts';

/** Names of topics, as several commands answer. */
export interface TopicListResponse {
  topics: string[];
  /** Address of a broker, where the answer names one. */
  brokerAddr?: string;
}

export const topicListBody = {
  encode: ({ topics, brokerAddr }: TopicListResponse): Buffer =>
    jsonBody({ ...(brokerAddr !== undefined && { brokerAddr }), topicList: topics }),
  decode: (body: Buffer): TopicListResponse => {
    const document = JsonReader.parse(body, 'TopicList');
    return {
      topics: document.strings('topicList'),
      ...(document.has('brokerAddr') && { brokerAddr: document.string('brokerAddr') }),
    };
  },
};
