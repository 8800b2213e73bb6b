import { RequestCode } from '../codes/request-codes.ts';
import { messageQueueFromJson, messageQueueToJson, type MessageQueue } from '../data/message-queue.ts';
import type { MessageModel } from '../data/heartbeat-data.ts';
import { type MessageRequestMode, messageRequestModeOf } from '../data/message-request-mode.ts';
import { ProtocolError } from '../errors.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody } from './command-codec.ts';

export interface QueryAssignmentRequest {
  topic: string;
  consumerGroup: string;
  clientId: string;
  messageModel: MessageModel;
  /** `AVG` or `AVG_BY_CIRCLE`. */
  strategyName: string;
}

export interface QueueAssignment {
  /** With mode POP and all queues shared, queue -1 stands for all queues of its broker. */
  queue: MessageQueue;
  mode: MessageRequestMode;
}

export interface QueryAssignmentResponse {
  /** Absent when the broker cannot tell: nothing is to be changed then. */
  assignments?: QueueAssignment[];
}

function encodeRequest(request: QueryAssignmentRequest): Buffer {
  return jsonBody({
    clientId: request.clientId,
    consumerGroup: request.consumerGroup,
    messageModel: request.messageModel,
    strategyName: request.strategyName,
    topic: request.topic,
  });
}

function decodeRequest(body: Buffer): QueryAssignmentRequest {
  const document = JsonReader.parse(body, 'QUERY_ASSIGNMENT request');
  const messageModel = document.string('messageModel');
  if (messageModel !== 'CLUSTERING' && messageModel !== 'BROADCASTING')
    throw new ProtocolError('body-malformed', 'QUERY_ASSIGNMENT request: messageModel is no message model');
  return {
    topic: document.string('topic'),
    consumerGroup: document.string('consumerGroup'),
    clientId: document.string('clientId'),
    messageModel,
    strategyName: document.string('strategyName'),
  };
}

function encodeResponse({ assignments }: QueryAssignmentResponse): Buffer {
  if (assignments === undefined) return jsonBody({});
  return jsonBody({
    messageQueueAssignments: assignments.map(({ queue, mode }) => ({
      messageQueue: messageQueueToJson(queue),
      mode,
    })),
  });
}

function decodeResponse(body: Buffer): QueryAssignmentResponse {
  const document = JsonReader.parse(body, 'QUERY_ASSIGNMENT response');
  if (!document.has('messageQueueAssignments')) return {};
  return {
    assignments: document.objects('messageQueueAssignments').map((reader) => ({
      queue: messageQueueFromJson(reader.object('messageQueue')),
      mode: messageRequestModeOf(reader.string('mode', 'PULL'), 'QUERY_ASSIGNMENT response'),
    })),
  };
}

/** The queues a member of a group is to read, as the broker shares them out. */
export const queryAssignment = command<QueryAssignmentRequest, QueryAssignmentResponse>(
  RequestCode.QUERY_ASSIGNMENT,
  {
    request: bodyOnly({ encode: encodeRequest, decode: decodeRequest }),
    response: bodyOnly({ encode: encodeResponse, decode: decodeResponse }),
  },
);
