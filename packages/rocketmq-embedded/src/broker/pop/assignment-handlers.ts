import {
  commands,
  isReadable,
  isRetryTopic,
  RequestCode,
  ResponseCode,
  type MessageQueue,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, success, type RequestHandler } from '../../server/index.ts';
import type { BrokerContext } from '../context.ts';

type Strategy = (count: number, members: number, index: number) => number[];

/** Indexes of the queues that are member `index`'s. */
const STRATEGIES: Readonly<Record<string, Strategy>> = {
  AVG: (count, members, index) => {
    const extra = count % members;
    const size = Math.floor(count / members) + (index < extra ? 1 : 0);
    const first = index < extra ? index * size : index * size + extra;
    return Array.from({ length: Math.max(0, size) }, (_, i) => first + i);
  },
  AVG_BY_CIRCLE: (count, members, index) =>
    Array.from({ length: count }, (_, i) => i).filter((i) => i % members === index),
};

/** QUERY_ASSIGNMENT and SET_MESSAGE_REQUEST_MODE: for groups whose queues the broker shares out. */
export function assignmentHandlers(broker: BrokerContext): [number, RequestHandler][] {
  return [
    [
      RequestCode.QUERY_ASSIGNMENT,
      (request) => {
        const asked = commands.queryAssignment.decodeRequest(request);
        const { mode } = broker.pop.modes.get(asked.topic, asked.consumerGroup);
        const assignments = queuesFor(broker, asked)?.map((queue) => ({ queue, mode }));
        const response = assignments === undefined ? {} : { assignments };
        return success(request, commands.queryAssignment.encodeResponse(response));
      },
    ],
    [RequestCode.SET_MESSAGE_REQUEST_MODE, (request) => setMode(broker, request)],
  ];
}

function setMode(broker: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { topic, consumerGroup, ...mode } = commands.setMessageRequestMode.decodeRequest(request);
  if (isRetryTopic(topic))
    throw new Refusal(ResponseCode.NO_PERMISSION, 'retry topic is not allowed to set mode');
  broker.pop.modes.set(topic, consumerGroup, mode);
  return success(request);
}

/** Undefined: the broker cannot tell, the client keeps what it has. */
function queuesFor(
  broker: BrokerContext,
  asked: commands.QueryAssignmentRequest,
): MessageQueue[] | undefined {
  const config = broker.topics.get(asked.topic);
  if (config === undefined || !isReadable(config.perm)) return undefined;
  const queue = (queueId: number): MessageQueue => ({
    ...{ topic: asked.topic, brokerName: broker.settings.brokerName, queueId },
  });
  const count = config.readQueueNums;
  if (asked.messageModel === 'BROADCASTING') return Array.from({ length: count }, (_, id) => queue(id));

  const online = broker.clients.consumerGroup(asked.consumerGroup);
  const strategy = Object.hasOwn(STRATEGIES, asked.strategyName) ? STRATEGIES[asked.strategyName] : undefined;
  if (online === undefined || strategy === undefined) return undefined;
  const members = [...online.clients.values()].map(({ clientId }) => clientId).sort();
  const index = members.indexOf(asked.clientId);
  const { mode, popShareQueueNum: shared } = broker.pop.modes.get(asked.topic, asked.consumerGroup);
  if (mode === 'POP' && (shared <= 0 || shared >= members.length - 1)) return count === 0 ? [] : [queue(-1)];
  if (index < 0) return [];
  if (mode === 'POP' && members.length > count) return count === 0 ? [] : [queue(index % count)];
  const sharers = mode === 'POP' ? shared : 0;
  const ids = new Set<number>();
  for (let i = 0; i <= sharers; i++)
    for (const id of strategy(count, members.length, (index + i) % members.length)) ids.add(id);
  return [...ids].map(queue);
}
