import {
  commands,
  createResponse,
  decodeOffsetMessageId,
  decodeStoredMessage,
  encodeProperties,
  isOneway,
  MessageProperty,
  MessageSysFlag,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import { Refusal, type RequestHandler } from '../server/index.ts';
import type { NewMessage } from '../store/index.ts';
import type { BrokerContext } from './context.ts';
import { copyOf } from './delay-levels.ts';
import { tooManyHalves } from './transactions.ts';

const { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = MessageSysFlag;
const NOT_FOUND = 'Find prepared transaction message failed';
const NOT_PUT_BACK = 'Put message back to RMQ_SYS_TRANS_HALF_TOPIC failed.';

/** How transactions end, and how those are taken up again that were given up. */
export function transactionHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [RequestCode.END_TRANSACTION, (request) => endTransaction(broker, request)],
    [RequestCode.RESUME_CHECK_HALF_MESSAGE, (request) => resumeCheck(broker, request)],
  ];
}

/** A half message becomes a message of its topic, or nothing. */
async function endTransaction(
  broker: BrokerContext,
  request: RemotingCommand,
): Promise<RemotingCommand | undefined> {
  const header = commands.endTransaction.decodeRequest(request);
  const { commitOrRollback, commitLogOffset } = header;
  // The half message stays as it is, and whoever asks waits in vain, as with a real broker.
  if (commitOrRollback === 0) return undefined;
  if (commitOrRollback !== TRANSACTION_COMMIT && commitOrRollback !== TRANSACTION_ROLLBACK)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, 'commitOrRollback field wrong');
  const half = await broker.transactions.halfAt(commitLogOffset);
  if (half === undefined) throw new Refusal(ResponseCode.SYSTEM_ERROR, NOT_FOUND);
  const { id, message } = half;
  if (header.fromTransactionCheck !== true && isTooLate(broker, message))
    throw new Refusal(ResponseCode.ILLEGAL_OPERATION, 'the end comes after the time the message has for it');
  if (message.properties[MessageProperty.PRODUCER_GROUP] !== header.producerGroup)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, 'The producer group wrong');
  if (message.queueOffset !== header.tranStateTableOffset)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, 'The transaction state table offset wrong');
  const commit = commitOrRollback === TRANSACTION_COMMIT;
  const outcome = commit ? committed(message, commitLogOffset) : undefined;
  const ended = await broker.transactions.end(id, outcome);
  if (outcome !== undefined && ended?.stored !== undefined)
    broker.stats.put(outcome.topic, 1, ended.stored.sizeBytes);
  if (isOneway(request)) return undefined;
  return createResponse(request, ResponseCode.SUCCESS);
}

/** A half message, given up or not, waits again for its end, with no question counted. */
async function resumeCheck(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const { msgId } = commands.resumeCheckHalfMessage.decodeRequest(request);
  const stored =
    msgId === undefined
      ? undefined
      : await broker.store.messageAt(decodeOffsetMessageId(msgId).physicalOffset);
  const message = stored && decodeStoredMessage(stored);
  // A real one takes any message; one that is no half message then ends all its rounds of questions early.
  if (message?.properties[MessageProperty.PRODUCER_GROUP] === undefined || realPlaceOf(message) === undefined)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, NOT_PUT_BACK);
  if (broker.transactions.isFull) throw tooManyHalves();
  await broker.transactions.resume(message);
  return createResponse(request, ResponseCode.SUCCESS);
}

/** Only for messages that name a time of their own; the checks find them from then on. */
function isTooLate(broker: BrokerContext, message: StoredMessage): boolean {
  const own = message.properties[MessageProperty.CHECK_IMMUNITY_TIME_IN_SECONDS];
  return (
    own !== undefined && Date.now() - message.bornTimestamp > broker.transactionChecks.immunityMsOf(message)
  );
}

function committed(message: StoredMessage, commitLogOffset: number): { topic: string; message: NewMessage } {
  const place = realPlaceOf(message);
  if (place === undefined) throw new Refusal(ResponseCode.SYSTEM_ERROR, NOT_FOUND);
  return {
    topic: place.topic,
    message: {
      ...copyOf(message, place.queueId, encodeProperties(message.properties)),
      sysFlag: message.sysFlag | TRANSACTION_COMMIT,
      preparedTransactionOffset: commitLogOffset,
    },
  };
}

function realPlaceOf({ properties }: StoredMessage): { topic: string; queueId: number } | undefined {
  const topic = properties[MessageProperty.REAL_TOPIC];
  const queueId = Number(properties[MessageProperty.REAL_QID]);
  return topic === undefined || !Number.isInteger(queueId) ? undefined : { topic, queueId };
}
