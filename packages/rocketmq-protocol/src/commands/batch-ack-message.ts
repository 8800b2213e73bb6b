import { RequestCode } from '../codes/request-codes.ts';
import { JsonReader } from '../json/read.ts';
import { decodeBitSet, encodeBitSet } from '../pop/bit-set.ts';
import { type PopRetry, popRetryMark, popRetryOfMark } from '../pop/pop-retry-topic.ts';
import { ProtocolError } from '../errors.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

/** Messages of one check-point. */
export interface BatchAck {
  consumerGroup: string;
  /** The topic the messages were sent to, also for those that came through the retry topic. */
  topic: string;
  retry: PopRetry;
  startOffset: number;
  queueId: number;
  reviveQueueId: number;
  popTime: number;
  invisibleTimeMs: number;
  /** Offsets less `startOffset`. */
  offsets: number[];
}

export interface BatchAckMessageRequest {
  brokerName: string;
  acks: BatchAck[];
}

function encode({ brokerName, acks }: BatchAckMessageRequest): Buffer {
  return jsonBody({
    brokerName,
    acks: acks.map((ack) => ({
      c: ack.consumerGroup,
      t: ack.topic,
      r: popRetryMark(ack.retry),
      so: ack.startOffset,
      q: ack.queueId,
      rq: ack.reviveQueueId,
      pt: ack.popTime,
      it: ack.invisibleTimeMs,
      b: encodeBitSet(ack.offsets),
    })),
  });
}

function decode(body: Buffer): BatchAckMessageRequest {
  const document = JsonReader.parse(body, 'BATCH_ACK_MESSAGE request');
  return { brokerName: document.string('brokerName'), acks: document.objects('acks').map(ackFrom) };
}

function ackFrom(reader: JsonReader): BatchAck {
  const mark = reader.string('r');
  const retry = popRetryOfMark(mark);
  if (retry === undefined)
    throw new ProtocolError(
      'body-malformed',
      `BATCH_ACK_MESSAGE request: r is ${JSON.stringify(mark.slice(0, 16))}`,
    );
  return {
    consumerGroup: reader.string('c'),
    topic: reader.string('t'),
    retry,
    startOffset: reader.integer('so'),
    queueId: reader.integer('q'),
    reviveQueueId: reader.integer('rq'),
    popTime: reader.integer('pt'),
    invisibleTimeMs: reader.integer('it'),
    offsets: decodeBitSet(reader.string('b')),
  };
}

/** Many popped messages of one broker are done. Code 208 when none is named. */
export const batchAckMessage = command<BatchAckMessageRequest, Nothing>(RequestCode.BATCH_ACK_MESSAGE, {
  request: bodyOnly({ encode, decode }),
  response: nothing,
});
