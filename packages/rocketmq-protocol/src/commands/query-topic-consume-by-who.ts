import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('QUERY_TOPIC_CONSUME_BY_WHO request', { topic: text() });

export type QueryTopicConsumeByWhoRequest = ReturnType<typeof requestHeader.decode>;

export interface QueryTopicConsumeByWhoResponse {
  groups: string[];
}

/** The groups that consume a topic: those online, and those with offsets in it. */
export const queryTopicConsumeByWho = command<QueryTopicConsumeByWhoRequest, QueryTopicConsumeByWhoResponse>(
  RequestCode.QUERY_TOPIC_CONSUME_BY_WHO,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({
      encode: ({ groups }) => jsonBody({ groupList: groups }),
      decode: (body) => ({ groups: JsonReader.parse(body, 'GroupList').strings('groupList') }),
    }),
  },
);
