import { RequestCode } from '../codes/request-codes.ts';
import { type MessageRequestMode, messageRequestModeOf } from '../data/message-request-mode.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface SetMessageRequestModeRequest {
  topic: string;
  consumerGroup: string;
  mode: MessageRequestMode;
  /** With POP: members that share the queues of one; 0 and less for all. */
  popShareQueueNum: number;
}

function encode(request: SetMessageRequestModeRequest): Buffer {
  return jsonBody({
    consumerGroup: request.consumerGroup,
    mode: request.mode,
    popShareQueueNum: request.popShareQueueNum,
    topic: request.topic,
  });
}

function decode(body: Buffer): SetMessageRequestModeRequest {
  const document = JsonReader.parse(body, 'SET_MESSAGE_REQUEST_MODE request');
  return {
    topic: document.string('topic'),
    consumerGroup: document.string('consumerGroup'),
    mode: messageRequestModeOf(document.string('mode', 'PULL'), 'SET_MESSAGE_REQUEST_MODE request'),
    popShareQueueNum: document.integer('popShareQueueNum', 0),
  };
}

/** Sets the mode of a group for a topic. Code 16 for a retry topic. */
export const setMessageRequestMode = command<SetMessageRequestModeRequest, Nothing>(
  RequestCode.SET_MESSAGE_REQUEST_MODE,
  { request: bodyOnly({ encode, decode }), response: nothing },
);
