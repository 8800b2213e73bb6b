import {
  commands,
  createResponse,
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

const { TRANSACTION_COMMIT, TRANSACTION_ROLLBACK } = MessageSysFlag;
const NOT_FOUND = 'Find prepared transaction message failed';

/** END_TRANSACTION: a half message becomes a message of its topic, or nothing. */
export function transactionHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [[RequestCode.END_TRANSACTION, (request) => endTransaction(broker, request)]];
}

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
  const ended = await broker.transactions.end(id, commit ? committed(message, commitLogOffset) : undefined);
  if (ended && commit) broker.stats.put(1);
  if (isOneway(request)) return undefined;
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
  const { properties } = message;
  const topic = properties[MessageProperty.REAL_TOPIC];
  const queueId = Number(properties[MessageProperty.REAL_QID]);
  if (topic === undefined || !Number.isInteger(queueId))
    throw new Refusal(ResponseCode.SYSTEM_ERROR, NOT_FOUND);
  const copy = copyOf(message, queueId, encodeProperties(properties));
  return {
    topic,
    message: {
      ...copy,
      sysFlag: message.sysFlag | TRANSACTION_COMMIT,
      preparedTransactionOffset: commitLogOffset,
    },
  };
}
