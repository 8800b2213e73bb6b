import { eventually, protocol, type RawConnection, uniqueName } from '@dt/testkit';
import {
  type Answer,
  ask,
  awaitStored,
  commands,
  done,
  makeTopic,
  ResponseCode,
  sendRequest,
} from './wire.ts';

type PopRequest = Parameters<typeof commands.popMessage.encodeRequest>[0];
type PopResponse = ReturnType<typeof commands.popMessage.decodeResponse>;

/** A message as a pop gave it, with what stands on its receipt. */
export interface Popped extends protocol.StoredMessage {
  handle: protocol.ReceiptHandle;
  receipt: string;
}

/** A topic with messages in its queue 0, and a group that has seen none of them. */
export async function popTopic(
  broker: RawConnection,
  bodies: readonly string[],
  { queues = 1, tag }: { queues?: number; tag?: (body: string) => string } = {},
): Promise<{ topic: string; group: string }> {
  const topic = await makeTopic(broker, queues);
  await store(broker, topic, bodies, tag);
  return { topic, group: uniqueName('group') };
}

/** Resolves when the messages can be read. */
export async function store(
  broker: RawConnection,
  topic: string,
  bodies: readonly string[],
  tag?: (body: string) => string,
): Promise<void> {
  const { offset } = await done(broker, commands.getMaxOffset, { topic, queueId: 0 });
  for (const body of bodies) {
    const properties = tag === undefined ? '' : protocol.encodeProperties({ TAGS: tag(body) });
    await done(broker, commands.sendMessageV2, sendRequest(topic, body, { properties }));
  }
  if (bodies.length > 0) await awaitStored(broker, topic, 0, offset + bodies.length);
}

/** A pop of all queues for all messages; it does not wait. */
export function popRequest(topic: string, group: string, overrides: Partial<PopRequest> = {}): PopRequest {
  return {
    consumerGroup: group,
    topic,
    queueId: -1,
    maxMsgNums: 32,
    invisibleTime: 60_000,
    pollTime: 0,
    bornTime: Date.now(),
    initMode: protocol.PopInitMode.MIN,
    expType: 'TAG',
    exp: '*',
    ...overrides,
  };
}

export function askPop(
  broker: RawConnection,
  topic: string,
  group: string,
  overrides: Partial<PopRequest> = {},
): Promise<Answer<PopResponse>> {
  const timeoutMs = (overrides.pollTime ?? 0) + 8000;
  return ask(broker, commands.popMessage, popRequest(topic, group, overrides), { timeoutMs });
}

/** What a pop gives; nothing when the answer says so. */
export async function pop(
  broker: RawConnection,
  topic: string,
  group: string,
  overrides: Partial<PopRequest> = {},
): Promise<Popped[]> {
  const { code, remark, response } = await askPop(broker, topic, group, overrides);
  if (code === ResponseCode.POLLING_TIMEOUT) return [];
  if (code !== ResponseCode.SUCCESS) throw new Error(`pop was answered ${code}: ${remark ?? ''}`);
  return messagesOf(response());
}

/** Pops until a message comes; each pop waits at the broker. */
export function popSoon(
  broker: RawConnection,
  topic: string,
  group: string,
  { timeoutMs = 30_000, ...overrides }: Partial<PopRequest> & { timeoutMs?: number } = {},
): Promise<Popped[]> {
  return eventually(
    async () => {
      const messages = await pop(broker, topic, group, { pollTime: 500, ...overrides });
      return messages.length > 0 && messages;
    },
    { what: `a message of ${topic} for ${group}`, timeoutMs },
  );
}

/** Receipts as clients make them: those of messages that come again are made by the broker. */
function messagesOf(response: PopResponse): Popped[] {
  const starts = new Map(
    protocol
      .decodeStartOffsets(response.startOffsetInfo)
      .map(({ retry, queueId, startOffset }) => [`${retry}@${queueId}`, startOffset]),
  );
  return protocol.decodeStoredMessages(response.body).map((message) => {
    const made = protocol.encodeReceiptHandle({
      startOffset: starts.get(`normal@${message.queueId}`) ?? -1,
      popTime: response.popTime,
      invisibleTimeMs: response.invisibleTime,
      reviveQueueId: response.reviveQid,
      retry: 'normal',
      brokerName: 'broker-a',
      queueId: message.queueId,
      queueOffset: message.queueOffset,
    });
    const receipt = message.properties['POP_CK'] ?? made;
    return { ...message, receipt, handle: protocol.decodeReceiptHandle(receipt) };
  });
}

type AckRequest = Parameters<typeof commands.ackMessage.encodeRequest>[0];

export function ackRequest(message: Popped, group: string, overrides: Partial<AckRequest> = {}): AckRequest {
  return {
    consumerGroup: group,
    topic: protocol.popRealTopic(message.topic, group, message.handle.retry),
    queueId: message.handle.queueId,
    extraInfo: message.receipt,
    offset: message.handle.queueOffset,
    ...overrides,
  };
}

export async function ack(broker: RawConnection, group: string, ...messages: Popped[]): Promise<void> {
  for (const message of messages) await done(broker, commands.ackMessage, ackRequest(message, group));
}

export function bodies(messages: readonly protocol.StoredMessage[]): string[] {
  return messages.map(({ body }) => body.toString());
}
