import {
  commands,
  createResponse,
  isReadable,
  PullSysFlag,
  RequestCode,
  ResponseCode,
  SUBSCRIBE_ALL,
  subscriptionOf,
  type RemotingCommand,
  type SubscriptionData,
  type SubscriptionGroupConfig,
  type TopicConfig,
} from '@dt/rocketmq-protocol';
import { Refusal, withDetails, type Connection, type RequestHandler } from '../server/index.ts';
import type { ReadResult, ReadStatus } from '../store/index.ts';
import type { BrokerContext } from './context.ts';

/** Why a pull is not allowed, beside code 16. */
const FORBIDDEN = { group: '2', topic: '3', broadcasting: '4' } as const;

type PullRequest = commands.PullMessageRequest;

/** Entries a pull with a tag filter looks at, at least, before it answers with what it has. */
const MIN_FILTER_SCAN = 800;
const TAG_HASHES = new WeakMap<SubscriptionData, ReadonlySet<number>>();

/** PULL_MESSAGE and LITE_PULL_MESSAGE, which differ in nothing a broker looks at. */
export function pullHandlers(broker: BrokerContext): [number, RequestHandler][] {
  const handler: RequestHandler = (request, connection) =>
    pull(broker, request, commands.pullMessage.decodeRequest(request), connection, true);
  return [
    [RequestCode.PULL_MESSAGE, handler],
    [RequestCode.LITE_PULL_MESSAGE, handler],
  ];
}

async function pull(
  broker: BrokerContext,
  request: RemotingCommand,
  header: PullRequest,
  connection: Connection,
  firstPass: boolean,
): Promise<RemotingCommand | undefined> {
  const { group, topic, tagHashes } = checked(broker, header, connection);
  const result = await broker.store.read(header.topic, header.queueId, header.queueOffset, {
    maxCount: Math.max(1, Math.min(header.maxMsgNums, broker.settings.maxPullMessages)),
    maxBytes: broker.settings.maxPullBytes,
    maxScan: Math.max(MIN_FILTER_SCAN, header.maxMsgNums * 20),
    tagHashes,
  });
  const code = codeOf(result.status, header.queueOffset);
  broker.offsets.notePull(header.consumerGroup, header.topic, header.queueId, result.nextOffset);
  if (firstPass && (header.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
    broker.offsets.commit(header.consumerGroup, header.topic, header.queueId, header.commitOffset);
  }
  if (firstPass && code === ResponseCode.PULL_NOT_FOUND && (header.sysFlag & PullSysFlag.SUSPEND) !== 0) {
    // What came between the read and here wakes nobody: it is read at once.
    if (broker.store.maxOffset(header.topic, header.queueId) > header.queueOffset) {
      return pull(broker, request, header, connection, false);
    }
    if (hold(broker, request, header, connection, tagHashes)) return undefined;
  }
  broker.stats.got(result.count);
  return answer(request, code, result, group, topic);
}

/** Checks in the order of a real broker, so that a request with two faults gets the same answer. */
function checked(
  broker: BrokerContext,
  header: PullRequest,
  connection: Connection,
): { group: SubscriptionGroupConfig; topic: TopicConfig; tagHashes: ReadonlySet<number> | undefined } {
  const group = broker.groups.findOrCreate(header.consumerGroup);
  if (group === undefined) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      withDetails(`subscription group [${header.consumerGroup}] does not exist, `),
    );
  }
  if (!group.consumeEnable) {
    throw new Refusal(
      ResponseCode.NO_PERMISSION,
      `subscription group no permission, ${header.consumerGroup}`,
      { forbiddenType: FORBIDDEN.group },
    );
  }
  const topic = broker.topics.get(header.topic);
  if (topic === undefined) {
    throw new Refusal(
      ResponseCode.TOPIC_NOT_EXIST,
      withDetails(`topic[${header.topic}] not exist, apply first please! `),
    );
  }
  if (!isReadable(topic.perm)) {
    throw new Refusal(ResponseCode.NO_PERMISSION, `the topic[${header.topic}] pulling message is forbidden`, {
      forbiddenType: FORBIDDEN.topic,
    });
  }
  if (header.queueId < 0 || header.queueId >= topic.readQueueNums) {
    throw new Refusal(
      ResponseCode.SYSTEM_ERROR,
      `queueId[${header.queueId}] is illegal, topic:[${header.topic}] ` +
        `topicConfig.readQueueNums:[${topic.readQueueNums}] consumer:[/${connection.remoteAddress}]`,
    );
  }
  return { group, topic, tagHashes: tagHashesFor(broker, header, group) };
}

function tagHashesFor(
  broker: BrokerContext,
  header: PullRequest,
  group: SubscriptionGroupConfig,
): ReadonlySet<number> | undefined {
  if ((header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) {
    refuseOtherFilters(header.expressionType);
    return tagHashesOf(parseSubscription(header));
  }
  const members = broker.clients.consumerGroup(header.consumerGroup);
  if (members === undefined) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      withDetails("the consumer's group info not exist"),
    );
  }
  if (!group.consumeBroadcastEnable && members.messageModel === 'BROADCASTING') {
    throw new Refusal(
      ResponseCode.NO_PERMISSION,
      `the consumer group[${header.consumerGroup}] can not consume by broadcast way`,
      { forbiddenType: FORBIDDEN.broadcasting },
    );
  }
  const subscription = members.subscriptions.get(header.topic);
  if (subscription === undefined) {
    throw new Refusal(
      ResponseCode.SUBSCRIPTION_NOT_EXIST,
      withDetails("the consumer's subscription not exist"),
    );
  }
  refuseOtherFilters(subscription.expressionType);
  // A client whose heartbeat with its newest version is still on its way gets everything and filters itself, as
  // every client does anyhow. A real broker refuses (code 25), and a Java client may then stand still for 30 s.
  if (subscription.subVersion < header.subVersion) return undefined;
  return tagHashesOf(subscription);
}

function parseSubscription(header: PullRequest): SubscriptionData {
  try {
    return subscriptionOf(header.topic, header.subscription ?? SUBSCRIBE_ALL, header.subVersion);
  } catch {
    throw new Refusal(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
  }
}

function refuseOtherFilters(expressionType: string | undefined): void {
  if (expressionType === undefined || expressionType === '' || expressionType === 'TAG') return;
  throw new Refusal(
    ResponseCode.SYSTEM_ERROR,
    `The broker does not support consumer to filter message by ${expressionType}`,
  );
}

/** Undefined: everything. */
function tagHashesOf(subscription: SubscriptionData): ReadonlySet<number> | undefined {
  if (subscription.subString === SUBSCRIBE_ALL || subscription.codeSet.length === 0) return undefined;
  let hashes = TAG_HASHES.get(subscription);
  if (hashes === undefined) TAG_HASHES.set(subscription, (hashes = new Set(subscription.codeSet)));
  return hashes;
}

function codeOf(status: ReadStatus, requestedOffset: number): number {
  switch (status) {
    case 'FOUND':
      return ResponseCode.SUCCESS;
    case 'NO_MATCHED_MESSAGE':
    case 'MESSAGE_WAS_REMOVING':
      return ResponseCode.PULL_RETRY_IMMEDIATELY;
    case 'OFFSET_FOUND_NULL':
    case 'OFFSET_OVERFLOW_ONE':
      return ResponseCode.PULL_NOT_FOUND;
    case 'NO_MESSAGE_IN_QUEUE':
      return requestedOffset === 0 ? ResponseCode.PULL_NOT_FOUND : ResponseCode.PULL_OFFSET_MOVED;
    case 'OFFSET_OVERFLOW_BADLY':
    case 'OFFSET_TOO_SMALL':
      return ResponseCode.PULL_OFFSET_MOVED;
  }
}

function hold(
  broker: BrokerContext,
  request: RemotingCommand,
  header: PullRequest,
  connection: Connection,
  tagHashes: ReadonlySet<number> | undefined,
): boolean {
  return broker.held.hold({
    topic: header.topic,
    queueId: header.queueId,
    offset: header.queueOffset,
    deadline: Date.now() + Math.max(0, header.suspendTimeoutMillis),
    connection,
    wants: (tagHash) => tagHashes === undefined || tagHashes.has(tagHash),
    run: () => connection.answerLater(request, () => pull(broker, request, header, connection, false)),
  });
}

function answer(
  request: RemotingCommand,
  code: number,
  result: ReadResult,
  group: SubscriptionGroupConfig,
  topic: TopicConfig,
): RemotingCommand {
  const payload = commands.pullMessage.encodeResponse({
    suggestWhichBrokerId: 0,
    nextBeginOffset: result.nextOffset,
    minOffset: result.minOffset,
    maxOffset: result.maxOffset,
    topicSysFlag: topic.topicSysFlag,
    groupSysFlag: group.groupSysFlag,
    body: result.body,
  });
  return createResponse(request, code, { ...payload, remark: result.status });
}
