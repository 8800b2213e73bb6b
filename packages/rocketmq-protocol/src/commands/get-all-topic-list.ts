import { RequestCode } from '../codes/request-codes.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface TopicList {
  topics: string[];
}

function encode(list: TopicList): Buffer {
  return jsonBody({ topicList: list.topics });
}

function decode(body: Buffer): TopicList {
  return { topics: JsonReader.parse(body, 'TopicList').strings('topicList') };
}

/** The names of all topics a NameServer knows, system topics among them. */
export const getAllTopicList = command<Nothing, TopicList>(RequestCode.GET_ALL_TOPIC_LIST_FROM_NAMESERVER, {
  request: nothing,
  response: bodyOnly({ encode, decode }),
});
