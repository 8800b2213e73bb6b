import {
  commands,
  createResponse,
  EMPTY_BODY,
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
import type { MessageFilter } from '../filter/index.ts';
import type { BrokerContext } from './context.ts';
import { readFiltered } from './filtered-read.ts';
import { isTagType } from './filters.ts';

/** Why a pull is not allowed, beside code 16. */
const FORBIDDEN = { group: '2', topic: '3', broadcasting: '4' } as const;

type PullRequest = commands.PullMessageRequest;

/** Which messages a consumer wants: all, those of some tags, or those a filter lets pass. */
interface Selection {
  tagHashes?: ReadonlySet<number> | undefined;
  filter?: MessageFilter;
}

/** Entries a pull with a tag filter looks at, at least, before it answers with what it has. */
const MIN_FILTER_SCAN = 800;
const TAG_HASHES = new WeakMap<SubscriptionData, ReadonlySet<number>>();

/** PULL_MESSAGE and LITE_PULL_MESSAGE, which differ in nothing a broker looks at. */
export function pullHandlers(broker: BrokerContext): [number, RequestHandler][] {
  const handler: RequestHandler = (request, connection) =>
    firstPull(broker, request, commands.pullMessage.decodeRequest(request), connection);
  return [
    [RequestCode.PULL_MESSAGE, handler],
    [RequestCode.LITE_PULL_MESSAGE, handler],
  ];
}

function firstPull(
  broker: BrokerContext,
  request: RemotingCommand,
  header: PullRequest,
  connection: Connection,
): Promise<RemotingCommand | undefined> {
  const maySuspend = (header.sysFlag & PullSysFlag.SUSPEND) !== 0;
  const deadline = maySuspend ? Date.now() + Math.max(0, header.suspendTimeoutMillis) : undefined;
  return pull(broker, request, header, connection, { offset: header.queueOffset, first: true, deadline });
}

/** One run of a pull: at its coming, and again when what it waited for has come or its time is up. */
interface Pass {
  /** Where to read: what lies between the offset asked for and here was looked at and is not wanted. */
  offset: number;
  first: boolean;
  /** Until when it may wait for messages; undefined when it must be answered. */
  deadline: number | undefined;
}

async function pull(
  broker: BrokerContext,
  request: RemotingCommand,
  header: PullRequest,
  connection: Connection,
  pass: Pass,
): Promise<RemotingCommand | undefined> {
  const { group, topic, selection } = checked(broker, header, connection);
  const reset = broker.offsets.takeReset(header.consumerGroup, header.topic, header.queueId);
  if (reset !== undefined) return offsetReset(broker, request, header, reset, group, topic);
  const result = await read(broker, header, pass.offset, selection);
  broker.offsets.notePull(header.consumerGroup, header.topic, header.queueId, result.nextOffset);
  if (pass.first && (header.sysFlag & PullSysFlag.COMMIT_OFFSET) !== 0) {
    broker.offsets.commit(header.consumerGroup, header.topic, header.queueId, header.commitOffset);
  }
  // A pull that has waited already and still finds nothing it wants goes on waiting.
  const waits =
    codeOf(result.status, pass.offset) === ResponseCode.PULL_NOT_FOUND ||
    (!pass.first && result.status === 'NO_MATCHED_MESSAGE');
  if (waits && pass.deadline !== undefined && Date.now() < pass.deadline) {
    // What a filter has looked at it need not look at again; tags are cheap to look at.
    const next: Pass =
      selection.filter === undefined
        ? { offset: header.queueOffset, first: false, deadline: undefined }
        : { offset: result.nextOffset, first: false, deadline: pass.deadline };
    // What came between the read and here wakes nobody: it is read at once.
    if (broker.store.maxOffset(header.topic, header.queueId) > result.nextOffset) {
      return pull(broker, request, header, connection, next);
    }
    if (hold(broker, request, header, connection, selection.tagHashes, pass.deadline, next)) return undefined;
  }
  const moved = pass.offset > header.queueOffset && result.status === 'OFFSET_OVERFLOW_ONE';
  const given: ReadResult = moved ? { ...result, status: 'NO_MATCHED_MESSAGE' } : result;
  broker.stats.got(header.topic, header.consumerGroup, given.count, given.body.length);
  return answer(request, codeOf(given.status, header.queueOffset), given, group, topic);
}

function read(
  broker: BrokerContext,
  header: PullRequest,
  offset: number,
  { tagHashes, filter }: Selection,
): Promise<ReadResult> {
  const limits = {
    maxCount: Math.max(1, Math.min(header.maxMsgNums, broker.settings.maxPullMessages)),
    maxBytes: broker.settings.maxPullBytes,
    maxScan: Math.max(MIN_FILTER_SCAN, header.maxMsgNums * 20),
    tagHashes,
  };
  return filter === undefined
    ? broker.store.read(header.topic, header.queueId, offset, limits)
    : readFiltered(broker.store, header.topic, header.queueId, offset, limits, filter);
}

/** Checks in the order of a real broker, so that a request with two faults gets the same answer. */
function checked(
  broker: BrokerContext,
  header: PullRequest,
  connection: Connection,
): { group: SubscriptionGroupConfig; topic: TopicConfig; selection: Selection } {
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
  return { group, topic, selection: selectionFor(broker, header, group) };
}

function selectionFor(broker: BrokerContext, header: PullRequest, group: SubscriptionGroupConfig): Selection {
  if ((header.sysFlag & PullSysFlag.SUBSCRIPTION) !== 0) return selectionOfRequest(broker, header);
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
  if (!isTagType(subscription.expressionType)) return selectionByProperty(broker, header, subscription);
  // A client whose heartbeat with its newest version is still on its way gets everything and filters itself, as
  // every client does anyhow. A real broker refuses (code 25), and a Java client may then stand still for 30 s.
  if (subscription.subVersion < header.subVersion) return {};
  return { tagHashes: tagHashesOf(subscription) };
}

function selectionOfRequest(broker: BrokerContext, header: PullRequest): Selection {
  const { expressionType, subscription = '' } = header;
  if (isTagType(expressionType)) return { tagHashes: tagHashesOf(parseSubscription(header)) };
  if (subscription === '') throw unreadable();
  broker.filters.refuseWhenOff(expressionType);
  const filter = broker.filters.get({ expressionType: expressionType ?? '', subString: subscription });
  // A real broker lets everything pass then: it has asked its clients to have their conditions checked before.
  return typeof filter === 'string' ? {} : { filter };
}

/** No client filters by property itself: unlike tags, an older expression must not be used in place of a newer. */
function selectionByProperty(
  broker: BrokerContext,
  header: PullRequest,
  subscription: SubscriptionData,
): Selection {
  if (subscription.subVersion < header.subVersion) {
    throw new Refusal(ResponseCode.SUBSCRIPTION_NOT_LATEST, "the consumer's subscription not latest");
  }
  const filter = broker.filters.get(subscription);
  if (typeof filter === 'string') {
    throw new Refusal(
      ResponseCode.FILTER_DATA_NOT_EXIST,
      "The broker's consumer filter data is not exist!Your expression may be wrong!",
    );
  }
  broker.filters.refuseWhenOff(subscription.expressionType);
  return { filter };
}

function parseSubscription(header: PullRequest): SubscriptionData {
  try {
    return subscriptionOf(header.topic, header.subscription ?? SUBSCRIBE_ALL, header.subVersion);
  } catch {
    throw unreadable();
  }
}

function unreadable(): Refusal {
  return new Refusal(ResponseCode.SUBSCRIPTION_PARSE_FAILED, "parse the consumer's subscription failed");
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

/** A filter is not applied before the pull runs again: only then are the messages looked into. */
function hold(
  broker: BrokerContext,
  request: RemotingCommand,
  header: PullRequest,
  connection: Connection,
  tagHashes: ReadonlySet<number> | undefined,
  deadline: number,
  next: Pass,
): boolean {
  return broker.held.hold({
    topic: header.topic,
    queueId: header.queueId,
    offset: header.queueOffset,
    deadline,
    connection,
    wants: (tagHash) => tagHashes === undefined || tagHashes.has(tagHash),
    run: (why) => {
      const pass = why === 'due' ? { ...next, deadline: undefined } : next;
      connection.answerLater(request, () => pull(broker, request, header, connection, pass));
    },
  });
}

/** The group was set to another offset: this pull leads there. */
function offsetReset(
  broker: BrokerContext,
  request: RemotingCommand,
  { topic: topicName, queueId }: PullRequest,
  offset: number,
  group: SubscriptionGroupConfig,
  topic: TopicConfig,
): RemotingCommand {
  const payload = commands.pullMessage.encodeResponse({
    suggestWhichBrokerId: 0,
    nextBeginOffset: offset,
    minOffset: broker.store.minOffset(topicName, queueId),
    maxOffset: broker.store.maxOffset(topicName, queueId),
    topicSysFlag: topic.topicSysFlag,
    groupSysFlag: group.groupSysFlag,
    body: EMPTY_BODY,
  });
  return createResponse(request, ResponseCode.PULL_OFFSET_MOVED, { ...payload, remark: 'OFFSET_RESET' });
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
