import { RequestCode } from '../codes/request-codes.ts';
import { header, int64, optional, text } from '../header/fields.ts';
import { command, headerAndBody, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('CHECK_TRANSACTION_STATE request', {
  /** The half topic. */
  topic: optional(text()),
  /** Offset in the half topic of the newest copy; the answer must repeat it, not that of the send. */
  tranStateTableOffset: int64(),
  /** Physical offset of that copy. */
  commitLogOffset: int64(),
  msgId: optional(text()),
  transactionId: optional(text()),
  offsetMsgId: optional(text()),
  brokerName: optional(text('bname')),
});

export type CheckTransactionStateRequest = ReturnType<typeof requestHeader.decode> & {
  /** One stored message, with the topic and queue it is for. */
  body: Buffer;
};

/**
 * One-way, from the broker to any producer of the group: how did the transaction of this half message end? The
 * answer is an END_TRANSACTION.
 */
export const checkTransactionState = command<CheckTransactionStateRequest, Nothing>(
  RequestCode.CHECK_TRANSACTION_STATE,
  {
    request: headerAndBody(requestHeader),
    response: nothing,
  },
);
