import {
  commands,
  decodeReceiptHandle,
  decodeStartOffsets,
  decodeStoredMessages,
  encodeReceiptHandle,
  PopInitMode,
  popRealTopic,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import { vi } from 'vitest';
import type { WireClient } from '../support/wire-client.ts';

export interface Popped {
  body: string;
  receipt: string;
  message: StoredMessage;
}

type PopFields = Partial<commands.PopMessageRequest>;

export function askPop(client: WireClient, topic: string, fields: PopFields = {}): Promise<RemotingCommand> {
  const request = {
    ...{ consumerGroup: 'G', topic, queueId: -1, maxMsgNums: 32, invisibleTime: 60_000, pollTime: 0 },
    ...{ bornTime: Date.now(), initMode: PopInitMode.MIN, exp: '*', expType: 'TAG' },
    ...fields,
  };
  return client.request(RequestCode.POP_MESSAGE, commands.popMessage.encodeRequest(request));
}

export async function pop(client: WireClient, topic: string, fields: PopFields = {}): Promise<Popped[]> {
  const answer = await askPop(client, topic, fields);
  if (answer.code === ResponseCode.POLLING_TIMEOUT) return [];
  if (answer.code !== ResponseCode.SUCCESS) throw new Error(`${answer.code} ${answer.remark}`);
  const response = commands.popMessage.decodeResponse(answer);
  const starts = decodeStartOffsets(response.startOffsetInfo);
  return decodeStoredMessages(response.body).map((message) => {
    const { queueId, queueOffset } = message;
    const start = starts.find((each) => each.retry === 'normal' && each.queueId === queueId);
    const made = encodeReceiptHandle({
      ...{ startOffset: start?.startOffset ?? -1, popTime: response.popTime },
      ...{ invisibleTimeMs: response.invisibleTime, reviveQueueId: response.reviveQid },
      ...{ retry: 'normal' as const, brokerName: 'broker-a', queueId, queueOffset },
    });
    return { body: message.body.toString(), receipt: message.properties['POP_CK'] ?? made, message };
  });
}

/** Pops until a message comes. */
export function popSoon(client: WireClient, topic: string, fields: PopFields = {}): Promise<Popped[]> {
  return vi.waitUntil(
    async () => {
      const found = await pop(client, topic, { pollTime: 200, ...fields });
      return found.length > 0 && found;
    },
    { timeout: 10_000, interval: 10 },
  );
}

export function ack(client: WireClient, topic: string, { receipt }: Popped): Promise<RemotingCommand> {
  const handle = decodeReceiptHandle(receipt);
  const request = {
    ...{ consumerGroup: 'G', topic: popRealTopic(topic, 'G', handle.retry), queueId: handle.queueId },
    ...{ extraInfo: receipt, offset: handle.queueOffset },
  };
  return client.request(RequestCode.ACK_MESSAGE, commands.ackMessage.encodeRequest(request));
}

export async function sendAll(client: WireClient, topic: string, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) await client.send({ topic, body: Buffer.from(body) });
}
