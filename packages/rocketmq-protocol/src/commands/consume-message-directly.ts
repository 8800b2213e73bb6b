import { RequestCode } from '../codes/request-codes.ts';
import { CONSUME_RESULTS, type ConsumeResult } from '../data/consume-result.ts';
import { ProtocolError } from '../errors.ts';
import { header, int32, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, headerAndBody, jsonBody } from './command-codec.ts';

const requestHeader = header('CONSUME_MESSAGE_DIRECTLY request', {
  consumerGroup: text(),
  clientId: optional(text()),
  /** The broker's id of the message. */
  msgId: optional(text()),
  brokerName: optional(text()),
  topic: optional(text()),
  topicSysFlag: optional(int32()),
  groupSysFlag: optional(int32()),
});

export type ConsumeMessageDirectlyRequest = ReturnType<typeof requestHeader.decode> & {
  /** Empty from an admin; from a broker one stored message. */
  body: Buffer;
};

export interface ConsumeMessageDirectlyResponse {
  order: boolean;
  autoCommit: boolean;
  consumeResult: ConsumeResult;
  remark: string | undefined;
  spentTimeMs: number;
}

function encode(response: ConsumeMessageDirectlyResponse): Buffer {
  const { autoCommit, consumeResult, order, remark, spentTimeMs } = response;
  return jsonBody({ autoCommit, consumeResult, order, remark, spentTimeMills: spentTimeMs });
}

function decode(body: Buffer): ConsumeMessageDirectlyResponse {
  const document = JsonReader.parse(body, 'ConsumeMessageDirectlyResult');
  return {
    order: document.boolean('order', false),
    autoCommit: document.boolean('autoCommit', true),
    consumeResult: consumeResult(document.string('consumeResult')),
    remark: document.has('remark') ? document.string('remark') : undefined,
    spentTimeMs: document.integer('spentTimeMills', 0),
  };
}

function consumeResult(text: string): ConsumeResult {
  const known = CONSUME_RESULTS.find((result) => result === text);
  if (known === undefined)
    throw new ProtocolError('body-malformed', `ConsumeMessageDirectlyResult: consumeResult is ${text}`);
  return known;
}

/** Has one member of a group handle one message now, whoever its queue belongs to. The offsets stay as they are. */
export const consumeMessageDirectly = command<ConsumeMessageDirectlyRequest, ConsumeMessageDirectlyResponse>(
  RequestCode.CONSUME_MESSAGE_DIRECTLY,
  { request: headerAndBody(requestHeader), response: bodyOnly({ encode, decode }) },
);
