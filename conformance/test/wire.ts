import { eventually, protocol, RawConnection, uniqueName } from '@dt/testkit';
import { inject, onTestFinished } from 'vitest';

/** The RocketMQ of this run. */
export const rocketmq = inject('rocketmq');

export const { commands, ResponseCode } = protocol;

/** Connects to the Broker for as long as the test runs. */
export async function openBroker(): Promise<RawConnection> {
  const connection = await RawConnection.open(rocketmq.brokerAddress);
  onTestFinished(() => connection.close());
  return connection;
}

export interface Answer<Response> {
  code: number;
  remark: string | undefined;
  /** Throws when the answer has not the fields of the command. */
  response: () => Response;
}

/**
 * Asks a command and gives its answer, whatever its code; but asks again while the Broker is too busy to do
 * it: on a machine with other work a real one drops requests that have waited for 200 ms.
 */
export async function ask<Request, Response>(
  connection: RawConnection,
  command: protocol.commands.CommandCodec<Request, Response>,
  request: Request,
  options: { timeoutMs?: number } = {},
): Promise<Answer<Response>> {
  const answer = await eventually(
    async () => {
      const given = await connection.request(command.code, command.encodeRequest(request), options);
      return given.code !== ResponseCode.SYSTEM_BUSY && given;
    },
    { intervalMs: 100, what: `an answer of the Broker to request ${command.code}` },
  );
  return { code: answer.code, remark: answer.remark, response: () => command.decodeResponse(answer) };
}

/** Asks a command that must succeed. */
export async function done<Request, Response>(
  connection: RawConnection,
  command: protocol.commands.CommandCodec<Request, Response>,
  request: Request,
): Promise<Response> {
  const { code, remark, response } = await ask(connection, command, request);
  if (code !== ResponseCode.SUCCESS)
    throw new Error(`request ${command.code} was answered ${code}: ${remark ?? ''}`);
  return response();
}

/** A new topic with a name of its own. */
export async function makeTopic(connection: RawConnection, queues: number, perm = 6): Promise<string> {
  const topic = uniqueName('topic');
  await done(connection, commands.updateAndCreateTopic, topicRequest(topic, { queues, perm }));
  return topic;
}

export function topicRequest(
  topic: string,
  { queues = 1, perm = 6 } = {},
): Parameters<typeof commands.updateAndCreateTopic.encodeRequest>[0] {
  return {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: queues,
    writeQueueNums: queues,
    perm,
    topicFilterType: 'SINGLE_TAG',
    order: false,
  };
}

type SendRequest = Parameters<typeof commands.sendMessageV2.encodeRequest>[0];

export function sendRequest(
  topic: string,
  body: string | Buffer,
  overrides: Partial<SendRequest> = {},
): SendRequest {
  return {
    producerGroup: 'conformance',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: 0,
    sysFlag: 0,
    bornTimestamp: Date.now(),
    flag: 0,
    properties: '',
    body: Buffer.from(body),
    ...overrides,
  };
}

/** A message can be pulled only a moment after it is acknowledged: waits until a queue has so many. */
export async function awaitStored(
  connection: RawConnection,
  topic: string,
  queueId: number,
  count: number,
): Promise<void> {
  await eventually(
    async () => (await done(connection, commands.getMaxOffset, { topic, queueId })).offset >= count,
  );
}

type PullRequest = Parameters<typeof commands.pullMessage.encodeRequest>[0];

/** A pull whose own subscription counts, so that it needs no heartbeat; it does not wait. */
export function pullRequest(topic: string, overrides: Partial<PullRequest> = {}): PullRequest {
  return {
    consumerGroup: 'conformance-reader',
    topic,
    queueId: 0,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: protocol.PullSysFlag.SUBSCRIPTION,
    commitOffset: 0,
    suspendTimeoutMillis: 0,
    subVersion: 0,
    subscription: '*',
    expressionType: 'TAG',
    ...overrides,
  };
}

/**
 * Reads a queue from its start to its end with a hand-made peer: no consumer of ours has a part in it.
 * `atLeast` says how many messages to wait for.
 */
export async function readQueue(
  topic: string,
  queueId: number,
  { atLeast = 0, brokerAddress = rocketmq.brokerAddress } = {},
): Promise<protocol.StoredMessage[]> {
  await using connection = await RawConnection.open(brokerAddress);
  const messages: protocol.StoredMessage[] = [];
  return await eventually(
    async () => {
      for (;;) {
        const request = pullRequest(topic, { queueId, queueOffset: messages.length });
        const { code, response } = await ask(connection, commands.pullMessage, request);
        if (code !== ResponseCode.SUCCESS) return messages.length >= atLeast && messages;
        messages.push(...protocol.decodeStoredMessages(response().body));
      }
    },
    { what: `${atLeast} messages in queue ${queueId} of ${topic}` },
  );
}

/** All messages of a topic, queue by queue, when there are at least so many. */
export async function readTopic(
  topic: string,
  queues: number,
  { atLeast, brokerAddress = rocketmq.brokerAddress }: { atLeast: number; brokerAddress?: string },
): Promise<protocol.StoredMessage[][]> {
  return eventually(
    async () => {
      const ids = Array.from({ length: queues }, (_, i) => i);
      const found = await Promise.all(ids.map((queueId) => readQueue(topic, queueId, { brokerAddress })));
      return found.flat().length >= atLeast && found;
    },
    { what: `${atLeast} messages in ${topic}` },
  );
}
