import path from 'node:path';
import {
  commands,
  decodeOffsetMessageId,
  decodeStoredMessages,
  encodeBatchBody,
  encodeProperties,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { expect } from 'vitest';
import { ack, pop } from '../pop/support.ts';
import { bundleCli, killChild, startChild } from './child.ts';
import { temporaryFolder } from './folders.ts';
import { sendRequest, WireClient } from './wire-client.ts';

const COMMIT = 8;
const GROUP = 'G';
const SETTLE_MS = 30_000;

interface Acknowledged {
  topic: string;
  queueId: number;
  offset: number;
  body: string;
  /** Physical offset; undefined where it was not told. */
  position: number | undefined;
}

/** What clients were told, and so what must hold after any number of kills. */
class Ledger {
  readonly sent: Acknowledged[] = [];
  /** Bodies of transactions whose commit was answered. */
  readonly committed = new Set<string>();
  readonly delayed = new Set<string>();
  readonly timed = new Set<string>();
  /** Bodies sent to be popped, and those whose receipts were given back. */
  readonly poppable = new Set<string>();
  readonly acking = new Set<string>();
}

type Lane = (client: WireClient, id: string, ledger: Ledger) => Promise<void>;

async function single(
  client: WireClient,
  topic: string,
  queueId: number,
  body: string,
): Promise<Acknowledged> {
  const properties = encodeProperties({ UNIQ_KEY: body });
  const response = await client.send({ topic, queueId, body: Buffer.from(body), properties });
  expect(response.code).toBe(ResponseCode.SUCCESS);
  const { queueOffset: offset, msgId } = commands.sendMessageV2.decodeResponse(response);
  return { topic, queueId, offset, body, position: decodeOffsetMessageId(msgId).physicalOffset };
}

async function batch(
  client: WireClient,
  topic: string,
  queueId: number,
  body: string,
): Promise<Acknowledged[]> {
  const bodies = Array.from({ length: 20 }, (_, part) => `${body}/${part}`);
  const entries = bodies.map((text) => ({ body: Buffer.from(text), properties: { UNIQ_KEY: text } }));
  const request = sendRequest({ topic, queueId, batch: true, body: encodeBatchBody(entries) });
  const response = await client.request(
    RequestCode.SEND_BATCH_MESSAGE,
    commands.sendBatchMessage.encodeRequest(request),
  );
  const { queueOffset, msgId } = commands.sendBatchMessage.decodeResponse(response);
  const ids = msgId.split(',');
  return bodies.map((text, part) => ({
    ...{ topic, queueId, offset: queueOffset + part, body: text },
    position: decodeOffsetMessageId(ids[part] ?? '').physicalOffset,
  }));
}

const plainLane =
  (queueId: number): Lane =>
  async (client, id, ledger) => {
    // A new topic every round: its creation must survive as well.
    const topic = `Load-${id.split('/')[0] ?? ''}`;
    const isSingle = Number(id.split('/').at(-1)) % 3 !== 0;
    if (isSingle) ledger.sent.push(await single(client, topic, queueId, id));
    else ledger.sent.push(...(await batch(client, topic, queueId, id)));
    const offset = ledger.sent.at(-1)?.offset ?? 0;
    const commit = { consumerGroup: GROUP, topic, queueId, commitOffset: offset + 1 };
    await client.pull({ topic, queueId, consumerGroup: GROUP, queueOffset: offset });
    await client.request(
      RequestCode.UPDATE_CONSUMER_OFFSET,
      commands.updateConsumerOffset.encodeRequest(commit),
    );
  };

const transactionLane: Lane = async (client, id, ledger) => {
  const properties = encodeProperties({ TRAN_MSG: 'true', PGROUP: 'PG', UNIQ_KEY: id });
  const half = { topic: 'Tx', sysFlag: 4, bornTimestamp: Date.now(), body: Buffer.from(id), properties };
  const sent = commands.sendMessageV2.decodeResponse(await client.send(half));
  const end = await client.request(
    RequestCode.END_TRANSACTION,
    commands.endTransaction.encodeRequest({
      ...{ producerGroup: 'PG', commitOrRollback: COMMIT, msgId: id, tranStateTableOffset: sent.queueOffset },
      commitLogOffset: decodeOffsetMessageId(sent.msgId).physicalOffset,
    }),
  );
  if (end.code === ResponseCode.SUCCESS) ledger.committed.add(id);
};

const waitingLane: Lane = async (client, id, ledger) => {
  const send = async (topic: string, properties: Record<string, string>): Promise<boolean> => {
    const fields = { topic, body: Buffer.from(id), properties: encodeProperties(properties) };
    return (await client.send(fields)).code === ResponseCode.SUCCESS;
  };
  if (await send('Delayed', { DELAY: '1' })) ledger.delayed.add(id);
  if (await send('Timed', { TIMER_DELAY_MS: '1100' })) ledger.timed.add(id);
};

const popLane: Lane = async (client, id, ledger) => {
  if ((await client.send({ topic: 'Pop', body: Buffer.from(id) })).code === 0) ledger.poppable.add(id);
  for (const popped of await pop(client, 'Pop', { maxMsgNums: 2, invisibleTime: 1000 })) {
    ledger.acking.add(popped.body);
    await ack(client, 'Pop', popped);
  }
};

const LANES: readonly Lane[] = [0, 1, 2, 3].map(plainLane);
const MORE_LANES: readonly Lane[] = [transactionLane, waitingLane, popLane];

/** Works until the connection breaks. */
async function work(
  broker: string,
  round: number,
  number: number,
  lane: Lane,
  ledger: Ledger,
): Promise<void> {
  const client = await WireClient.connect(broker);
  try {
    for (let i = 0; ; i++) await lane(client, `${round}/${number}/${i}`, ledger);
  } catch (error) {
    if (!(error instanceof Error) || !/closed|ECONN|EPIPE|destroyed/.test(error.message)) throw error;
  } finally {
    client.close();
  }
}

/** Every message of a queue by offset; fails on one that cannot be decoded. */
export async function stored(
  client: WireClient,
  topic: string,
  queueId: number,
): Promise<Map<number, { body: string; id: number }>> {
  const messages = new Map<number, { body: string; id: number }>();
  for (let offset = 0; ;) {
    const response = await client.pull({ topic, queueId, queueOffset: offset, consumerGroup: 'Check' });
    if (response.code !== ResponseCode.SUCCESS) return messages;
    for (const message of decodeStoredMessages(response.body)) {
      messages.set(message.queueOffset, { body: message.body.toString(), id: message.physicalOffset });
    }
    offset = commands.pullMessage.decodeResponse(response).nextBeginOffset;
  }
}

/** All acknowledged messages are where they were said to be, once, and no offset of the group is ahead of the log. */
async function verify(client: WireClient, sent: readonly Acknowledged[]): Promise<void> {
  const queues = new Map<string, Map<number, { body: string; id: number }>>();
  for (const { topic, queueId, offset, body, position } of sent) {
    const key = `${topic}@${queueId}`;
    let queue = queues.get(key);
    if (queue === undefined) {
      queues.set(key, (queue = await stored(client, topic, queueId)));
      const bodies = [...queue.values()].map((message) => message.body);
      expect(new Set(bodies).size).toBe(bodies.length);
      const query = commands.queryConsumerOffset.encodeRequest({ consumerGroup: GROUP, topic, queueId });
      const committed = await client.request(RequestCode.QUERY_CONSUMER_OFFSET, query);
      expect(Number(committed.extFields['offset'] ?? 0)).toBeLessThanOrEqual(queue.size);
    }
    expect(queue.get(offset)).toEqual({ body, id: position ?? queue.get(offset)?.id });
  }
}

async function bodiesIn(client: WireClient, topic: string): Promise<string[]> {
  const queues = await Promise.all([0, 1, 2, 3].map((queueId) => stored(client, topic, queueId)));
  return queues.flatMap((queue) => [...queue.values()].map(({ body }) => body));
}

/** What was under way in other forms has come, as often as it may. */
async function verifyWaiting(client: WireClient, ledger: Ledger): Promise<void> {
  const committed = await bodiesIn(client, 'Tx');
  for (const id of ledger.committed)
    expect([id, committed.filter((body) => body === id).length]).toEqual([id, 1]);
  for (const [topic, expected] of [
    ['Delayed', ledger.delayed],
    ['Timed', ledger.timed],
  ] as const) {
    // A crash may bring the last ones twice.
    await expect
      .poll(
        async () => {
          const came = new Set(await bodiesIn(client, topic));
          return [...expected].filter((body) => !came.has(body));
        },
        { timeout: SETTLE_MS, interval: 250 },
      )
      .toEqual([]);
  }
  // What was popped since the offsets were last saved may come once more, done or not.
  const again = new Set<string>();
  await expect
    .poll(
      async () => {
        for (const popped of await pop(client, 'Pop', { invisibleTime: 60_000 })) again.add(popped.body);
        return [...ledger.poppable].filter((body) => !again.has(body) && !ledger.acking.has(body));
      },
      { timeout: SETTLE_MS, interval: 50 },
    )
    .toEqual([]);
}

/** Starts a server, loads it, kills it at a random moment, and holds the next start to what clients were told. */
export async function killLoop(flush: 'sync' | 'async', rounds: number): Promise<{ acknowledged: number }> {
  const folder = temporaryFolder();
  const script = await bundleCli(folder);
  const data = path.join(folder, 'data');
  const ports = ['--port', '0', '--broker-port', '0'];
  const args = ['--data', data, ...ports, '--flush', flush, '--delay-levels', '1s 2s'];
  const ledger = new Ledger();
  for (let round = 0, checked = 0; round < rounds; round++) {
    const server = await startChild(script, args);
    const client = await WireClient.connect(server.broker);
    await verify(client, ledger.sent.slice(checked));
    client.close();
    checked = ledger.sent.length;
    const working = Promise.all(
      [...LANES, ...MORE_LANES].map((lane, number) => work(server.broker, round, number, lane, ledger)),
    );
    // At a random moment, once there is something to lose.
    await expect
      .poll(() => ledger.sent.length - checked, { interval: 5, timeout: 30_000 })
      .toBeGreaterThan(50 + Math.random() * 1000);
    await killChild(server);
    await working;
  }
  const server = await startChild(script, args);
  const client = await WireClient.connect(server.broker);
  await verify(client, ledger.sent);
  await verifyWaiting(client, ledger);
  client.close();
  await killChild(server);
  return { acknowledged: ledger.sent.length };
}
