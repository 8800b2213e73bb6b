import { RequestCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import type { RequestHandler } from './connection.ts';

/** What a server of 5.3.0 takes for fields it declares as required, but does not miss. */
interface Leniency {
  /** Values of fields that are absent. */
  absent?: Readonly<Record<string, string>>;
  /** Numbers that count as 0 when they are absent or cannot be read. */
  numbers?: readonly string[];
  /** Numbers that count as absent when they cannot be read. */
  optional?: readonly string[];
  /** Values of numbers that cannot be read. */
  unreadable?: Readonly<Record<string, string>>;
  /** What a body stands for that holds nothing. */
  emptyBody?: Buffer;
}

/** Bodies in which the JSON of a real one finds nothing. */
const EMPTY_BODIES: ReadonlySet<string> = new Set(['', 'null', '[]', '{}']);

const PULL: Leniency = { absent: { commitOffset: '0', suspendTimeoutMillis: '0', subVersion: '0' } };

/** An empty text can be a name where texts are kept: this one is nobody's. */
const NO_NAME = '\u0000';

const LENIENCIES: readonly [number, Leniency][] = [
  [
    RequestCode.SEND_MESSAGE,
    {
      absent: { defaultTopic: '' },
      numbers: ['defaultTopicQueueNums'],
      optional: ['reconsumeTimes', 'maxReconsumeTimes'],
    },
  ],
  [RequestCode.SEND_MESSAGE_V2, { absent: { c: '', d: '0' } }],
  [RequestCode.SEND_BATCH_MESSAGE, { absent: { c: '', d: '0' } }],
  [RequestCode.PULL_MESSAGE, PULL],
  [RequestCode.LITE_PULL_MESSAGE, PULL],
  [RequestCode.CHECK_CLIENT_CONFIG, { emptyBody: Buffer.from('{}') }],
  [
    RequestCode.INVOKE_BROKER_TO_RESET_OFFSET,
    { absent: { group: '' }, numbers: ['timestamp'], optional: ['queueId', 'offset'] },
  ],
  [
    RequestCode.POP_MESSAGE,
    {
      absent: { bornTime: '0' },
      // Long ago, while 0 is now.
      unreadable: { bornTime: '1' },
      numbers: ['queueId', 'maxMsgNums', 'invisibleTime', 'pollTime', 'initMode'],
    },
  ],
  [RequestCode.ACK_MESSAGE, { absent: { consumerGroup: '' } }],
  [RequestCode.CHANGE_MESSAGE_INVISIBLETIME, { absent: { consumerGroup: '' } }],
  [RequestCode.BATCH_ACK_MESSAGE, { emptyBody: Buffer.alloc(0) }],
  [RequestCode.PEEK_MESSAGE, { numbers: ['queueId', 'maxMsgNums'] }],
  [RequestCode.NOTIFICATION, { numbers: ['queueId', 'pollTime', 'bornTime'] }],
  [RequestCode.POLLING_INFO, { numbers: ['queueId'] }],
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
  [RequestCode.QUERY_CONSUME_QUEUE, { numbers: ['queueId', 'index', 'count'] }],
  [
    RequestCode.REGISTER_BROKER,
    { absent: { haServerAddr: '' }, optional: ['heartbeatTimeoutMillis', 'bodyCrc32'] },
  ],
  [
    RequestCode.UNREGISTER_BROKER,
    { absent: { brokerName: '', brokerAddr: '', clusterName: '' }, numbers: ['brokerId'] },
  ],
  [RequestCode.BROKER_HEARTBEAT, { absent: { brokerName: '' } }],
  [RequestCode.QUERY_DATA_VERSION, { absent: { brokerName: '' }, numbers: ['brokerId'] }],
  [RequestCode.REGISTER_TOPIC_IN_NAMESRV, { absent: { topic: '' } }],
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

function filledIn(request: RemotingCommand, leniency: Leniency): RemotingCommand {
  const { absent = {}, unreadable = {}, numbers = [], optional = [], emptyBody } = leniency;
  const { extFields } = request;
  let filled: Record<string, string> | undefined;
  for (const name in absent) {
    if (extFields[name] === undefined) filled = { ...(filled ?? extFields), [name]: absent[name] ?? '' };
  }
  for (const name in unreadable) {
    if (extFields[name] !== undefined && !isNumber(extFields[name]))
      filled = { ...(filled ?? extFields), [name]: unreadable[name] ?? '' };
  }
  for (const name of numbers) {
    if (!isNumber((filled ?? extFields)[name])) filled = { ...(filled ?? extFields), [name]: '0' };
  }
  for (const name of optional) {
    if (extFields[name] === undefined || isNumber(extFields[name])) continue;
    filled = Object.fromEntries(Object.entries(filled ?? extFields).filter(([other]) => other !== name));
  }
  const isEmpty = emptyBody !== undefined && EMPTY_BODIES.has(request.body.toString('latin1', 0, 8));
  if (filled === undefined && !isEmpty) return request;
  return { ...request, ...(filled && { extFields: filled }), ...(isEmpty && { body: emptyBody }) };
}

function isNumber(text: string | undefined): boolean {
  return text !== undefined && /^[+-]?\d+$/.test(text) && Math.abs(Number(text)) < 2 ** 53;
}
