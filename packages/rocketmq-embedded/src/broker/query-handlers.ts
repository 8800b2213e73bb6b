import { createResponse, RequestCode, ResponseCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import {
  Refusal,
  requiredInt32,
  requiredInteger,
  requiredText,
  success,
  type RequestHandler,
} from '../server/index.ts';
import type { BrokerContext } from './context.ts';

/** Messages a query by unique key returns at most, whatever the request says. */
const UNIQUE_QUERY_MAX = 32;

/** Single messages by id and by key. */
export function queryHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [RequestCode.VIEW_MESSAGE_BY_ID, (request) => viewMessage(broker, request)],
    [RequestCode.QUERY_MESSAGE, (request) => queryMessage(broker, request)],
  ];
}

async function viewMessage(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const offset = requiredInteger(request, 'offset');
  const body = await broker.store.messageAt(offset);
  if (body === undefined) {
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `can not find message by the offset, ${offset}`);
  }
  return success(request, { body });
}

async function queryMessage(broker: BrokerContext, request: RemotingCommand): Promise<RemotingCommand> {
  const unique = request.extFields['_UNIQUE_KEY_QUERY'] === 'true';
  const maxNum = requiredInt32(request, 'maxNum');
  if (maxNum < 0) throw new Refusal(ResponseCode.SYSTEM_ERROR, `maxNum ${maxNum} is illegal`);
  const messages = await broker.store.byKey({
    topic: requiredText(request, 'topic'),
    key: requiredText(request, 'key'),
    maxCount: unique ? UNIQUE_QUERY_MAX : maxNum,
    beginTimestamp: requiredInteger(request, 'beginTimestamp'),
    endTimestamp: requiredInteger(request, 'endTimestamp'),
    unique,
  });
  const found = messages.length > 0;
  const extFields = {
    indexLastUpdatePhyoffset: String(found ? broker.store.maxPhysicalOffset : 0),
    indexLastUpdateTimestamp: String(found ? Date.now() : 0),
  };
  // The newest ones, the oldest of them first.
  if (found) return success(request, { extFields, body: Buffer.concat(messages.reverse()) });
  return createResponse(request, ResponseCode.QUERY_NOT_FOUND, {
    extFields,
    remark: 'can not find message, maybe time range not correct',
  });
}
