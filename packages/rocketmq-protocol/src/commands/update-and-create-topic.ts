import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('UPDATE_AND_CREATE_TOPIC request', {
  topic: text(),
  defaultTopic: text(),
  readQueueNums: int32(),
  writeQueueNums: int32(),
  perm: int32(),
  topicFilterType: text(),
  topicSysFlag: optional(int32()),
  order: boolean(),
  attributes: optional(text()),
  force: optional(boolean()),
});

export type UpdateAndCreateTopicRequest = ReturnType<typeof requestHeader.decode>;

/** Creates a topic on a broker or changes it. The broker registers it with the NameServers before it answers. */
export const updateAndCreateTopic = command<UpdateAndCreateTopicRequest, Nothing>(
  RequestCode.UPDATE_AND_CREATE_TOPIC,
  {
    request: headerOnly(requestHeader),
    response: nothing,
  },
);
