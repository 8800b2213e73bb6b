import { RequestCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import type { RequestHandler } from './connection.ts';

/** What a server of 5.3.0 takes for fields it declares as required, but does not miss. */
interface Leniency {
  /** Values of fields that are absent. */
  absent: Readonly<Record<string, string>>;
  /** Numbers that count as 0 when they are absent or cannot be read. */
  numbers?: readonly string[];
}

/** An empty text can be a name where texts are kept: this one is nobody's. */
const NO_NAME = '\u0000';

const LENIENCIES: readonly [number, Leniency][] = [
  [RequestCode.SEND_MESSAGE_V2, { absent: { c: '', d: '0' } }],
  [RequestCode.QUERY_MESSAGE, { absent: { topic: '', key: '' } }],
  [RequestCode.QUERY_CONSUMER_OFFSET, { absent: { consumerGroup: '' } }],
  [RequestCode.UPDATE_CONSUMER_OFFSET, { absent: { consumerGroup: '' } }],
  [
    RequestCode.UPDATE_AND_CREATE_TOPIC,
    { absent: { defaultTopic: '', order: 'false' }, numbers: ['topicSysFlag'] },
  ],
  [RequestCode.UNREGISTER_CLIENT, { absent: { clientID: '' } }],
  [RequestCode.QUERY_CONSUME_TIME_SPAN, { absent: { group: '' } }],
  [RequestCode.CLONE_GROUP_OFFSET, { absent: { srcGroup: '', destGroup: '' } }],
  [RequestCode.GET_BROKER_CONSUME_STATS, { absent: { isOrder: 'false' } }],
  [RequestCode.QUERY_CONSUME_QUEUE, { absent: {}, numbers: ['queueId', 'index', 'count'] }],
  [RequestCode.GET_KV_CONFIG, { absent: { namespace: NO_NAME, key: NO_NAME } }],
  [RequestCode.DELETE_KV_CONFIG, { absent: { namespace: NO_NAME, key: NO_NAME } }],
  [RequestCode.WIPE_WRITE_PERM_OF_BROKER, { absent: { brokerName: '' } }],
  [RequestCode.ADD_WRITE_PERM_OF_BROKER, { absent: { brokerName: '' } }],
  [RequestCode.DELETE_TOPIC_IN_NAMESRV, { absent: { topic: '' } }],
  [RequestCode.GET_KVLIST_BY_NAMESPACE, { absent: { namespace: NO_NAME } }],
  [RequestCode.GET_TOPICS_BY_CLUSTER, { absent: { cluster: '' } }],
  [RequestCode.GET_BROKER_MEMBER_GROUP, { absent: { clusterName: '', brokerName: '' } }],
];

/** The handlers, with such fields filled in before they see a request. */
export function readingLeniently(
  handlers: Iterable<readonly [number, RequestHandler]>,
): Map<number, RequestHandler> {
  const table = new Map<number, RequestHandler>(handlers);
  for (const [code, leniency] of LENIENCIES) {
    const handler = table.get(code);
    if (handler !== undefined)
      table.set(code, (request, connection) => handler(filledIn(request, leniency), connection));
  }
  return table;
}

function filledIn(request: RemotingCommand, { absent, numbers = [] }: Leniency): RemotingCommand {
  const { extFields } = request;
  let filled: Record<string, string> | undefined;
  for (const name in absent) {
    if (extFields[name] === undefined) filled = { ...(filled ?? extFields), [name]: absent[name] ?? '' };
  }
  for (const name of numbers) {
    if (!isNumber(extFields[name])) filled = { ...(filled ?? extFields), [name]: '0' };
  }
  return filled === undefined ? request : { ...request, extFields: filled };
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^[+-]?\d+$/.test(text) && Math.abs(Number(text)) < 2 ** 53;
}
