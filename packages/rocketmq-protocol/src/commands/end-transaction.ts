import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, int32, int64, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('END_TRANSACTION request', {
  /** The topic the message is for; not every client names it. */
  topic: optional(text()),
  producerGroup: text(),
  /** Offset in the half topic: of the send's answer, or of the check. */
  tranStateTableOffset: int64(),
  /** Physical offset of the same copy of the half message. */
  commitLogOffset: int64(),
  /** Transaction bits of MessageSysFlag: commit or rollback; 0, unknown, gets no answer even when one is asked for. */
  commitOrRollback: int32(),
  /** Whether this answers a check of the broker. */
  fromTransactionCheck: optional(boolean()),
  msgId: text(),
  transactionId: optional(text()),
  brokerName: optional(text('bname')),
});

export type EndTransactionRequest = ReturnType<typeof requestHeader.decode>;

/** Commits or rolls back a half message, at the broker that holds it. Clients send it one-way. */
export const endTransaction = command<EndTransactionRequest, Nothing>(RequestCode.END_TRANSACTION, {
  request: headerOnly(requestHeader),
  response: nothing,
});
