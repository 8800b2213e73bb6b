import { once } from 'node:events';
import {
  commands,
  decodeOffsetMessageId,
  decodeStoredMessages,
  encodeProperties,
  RequestCode,
  ResponseCode,
  type RemotingCommand,
  type StoredMessage,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { startRocketMQ, type RocketMQOptions } from '../src/index.ts';
import { bundleCli, startChild } from './support/child.ts';
import { temporaryFolder } from './support/folders.ts';
import { startBroker } from './support/server.ts';
import { WireClient } from './support/wire-client.ts';

const COMMIT = 8;
const ROLLBACK = 12;
const QUICK = { transactionTimeOutMs: 50, transactionCheckIntervalMs: 50 };

async function half(
  client: WireClient,
  body: string,
  properties: Record<string, string> = {},
): Promise<commands.SendMessageResponse> {
  const all = { TRAN_MSG: 'true', PGROUP: 'PG', UNIQ_KEY: body, ...properties };
  const bornTimestamp = Date.now();
  const fields = { topic: 'T', sysFlag: 4, bornTimestamp, body: Buffer.from(body) };
  const response = await client.send({ ...fields, properties: encodeProperties(all) });
  expect(response.code).toBe(ResponseCode.SUCCESS);
  return commands.sendMessageV2.decodeResponse(response);
}

function end(
  client: WireClient,
  at: { queueOffset: number; physicalOffset: number },
  commitOrRollback: number,
): Promise<RemotingCommand> {
  return client.request(
    RequestCode.END_TRANSACTION,
    commands.endTransaction.encodeRequest({
      ...{ producerGroup: 'PG', commitOrRollback, msgId: 'x' },
      ...{ tranStateTableOffset: at.queueOffset, commitLogOffset: at.physicalOffset },
    }),
  );
}

function placeOf(sent: commands.SendMessageResponse): { queueOffset: number; physicalOffset: number } {
  const { physicalOffset } = decodeOffsetMessageId(sent.msgId);
  return { queueOffset: sent.queueOffset, physicalOffset };
}

async function stored(client: WireClient, topic: string): Promise<StoredMessage[]> {
  const messages: StoredMessage[] = [];
  for (;;) {
    const pulled = await client.pull({ topic, consumerGroup: 'G', queueOffset: messages.length });
    if (pulled.code !== ResponseCode.SUCCESS) return messages;
    messages.push(...decodeStoredMessages(pulled.body));
  }
}

async function bodies(client: WireClient, topic: string): Promise<string[]> {
  return (await stored(client, topic)).map(({ body }) => body.toString());
}

function join(client: WireClient): Promise<RemotingCommand> {
  const heartbeat = { clientId: 'c', producerGroups: ['PG'], consumers: [] };
  return client.request(RequestCode.HEART_BEAT, commands.heartBeat.encodeRequest(heartbeat));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 10 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('the end of a transaction', () => {
  it('takes effect once, whatever comes after it and with whichever copy', async () => {
    const { broker } = await startBroker(QUICK);
    const committed = placeOf(await half(broker, 'committed'));
    for (const state of [COMMIT, COMMIT, ROLLBACK, COMMIT])
      expect((await end(broker, committed, state)).code).toBe(ResponseCode.SUCCESS);
    const copied = placeOf(await half(broker, 'copied'));
    await until(async () => (await stored(broker, 'RMQ_SYS_TRANS_HALF_TOPIC')).length >= 4);
    const last = (await stored(broker, 'RMQ_SYS_TRANS_HALF_TOPIC')).at(-1);
    expect(last?.body.toString()).toBe('copied');
    expect((await end(broker, copied, COMMIT)).code).toBe(ResponseCode.SUCCESS);
    if (last !== undefined) await end(broker, last, COMMIT);
    expect(await bodies(broker, 'T')).toEqual(['committed', 'copied']);
  });

  it('cannot be moved to another transaction by a property of the producer', async () => {
    const { broker } = await startBroker();
    const first = placeOf(await half(broker, 'first'));
    const second = placeOf(await half(broker, 'second', { TRAN_PREPARED_QUEUE_OFFSET: '0', DELAY: '1' }));
    await end(broker, second, ROLLBACK);
    await end(broker, first, COMMIT);
    expect(await bodies(broker, 'T')).toEqual(['first']);
  });

  it('makes room when too many half messages wait', async () => {
    const { broker } = await startBroker({ limits: { maxPendingTransactions: 2 } });
    const first = placeOf(await half(broker, '1'));
    await half(broker, '2');
    const properties = encodeProperties({ TRAN_MSG: 'true', PGROUP: 'PG' });
    const refused = await broker.send({ topic: 'T', sysFlag: 4, properties });
    expect(refused.code).toBe(ResponseCode.SYSTEM_BUSY);
    expect((await broker.send({ topic: 'T' })).code).toBe(ResponseCode.SUCCESS);
    await end(broker, first, COMMIT);
    await half(broker, '3');
  });
});

describe('checks', () => {
  it('go to the producers of the group in turn, and count also when there is none', async () => {
    const { server, broker } = await startBroker({ ...QUICK, transactionCheckMax: 3 });
    const others = await Promise.all([1, 2].map(() => WireClient.connect(server.brokerAddress)));
    await half(broker, 'alone');
    await until(async () => (await bodies(broker, 'TRANS_CHECK_MAX_TIME_TOPIC')).includes('alone'));
    for (const client of others) await join(client);
    await half(broker, 'a');
    await half(broker, 'b');
    await until(() => others.every(({ pushed }) => pushed.length > 0));
    const codes = others.flatMap(({ pushed }) => pushed.map(({ code }) => code));
    expect(new Set(codes)).toEqual(new Set([RequestCode.CHECK_TRANSACTION_STATE]));
    await until(async () => (await bodies(broker, 'TRANS_CHECK_MAX_TIME_TOPIC')).length === 3);
    expect(others.flatMap(({ pushed }) => pushed)).toHaveLength(6);
    expect(await bodies(broker, 'T')).toEqual([]);
    for (const client of others) client.close();
  });

  it('wait for as long as the message says', async () => {
    const { broker } = await startBroker(QUICK);
    await join(broker);
    await half(broker, 'patient', { CHECK_IMMUNITY_TIME_IN_SECONDS: '60' });
    await half(broker, 'usual');
    await until(() => broker.pushed.length >= 3);
    for (const { extFields } of broker.pushed) expect(extFields['msgId']).toBe('usual');
  });
});

describe('half messages', () => {
  it('that wait are known after every restart, and those that ended are not', async () => {
    const options: RocketMQOptions = {
      ...{ dataDir: temporaryFolder(), nameServerPort: 0, brokerPort: 0, ...QUICK },
    };
    for (let round = 0; round < 4; round++) {
      const server = await startRocketMQ(options);
      const client = await WireClient.connect(server.brokerAddress);
      const done = placeOf(await half(client, `done-${round}`));
      await half(client, `open-${round}`);
      await end(client, done, round % 2 === 0 ? COMMIT : ROLLBACK);
      await join(client);
      // Two questions about each: the progress was saved in between.
      const asked = (id: string): number =>
        client.pushed.filter(({ extFields }) => extFields['msgId'] === id).length;
      await until(() => Array.from({ length: round + 1 }, (_, i) => asked(`open-${i}`)).every((n) => n >= 2));
      expect(client.pushed.filter(({ extFields }) => extFields['msgId']?.startsWith('done'))).toEqual([]);
      expect(await bodies(client, 'T')).toEqual(['done-0', 'done-2'].slice(0, Math.floor(round / 2) + 1));
      client.close();
      await server.close();
    }
  });

  it('survive kill -9 at any moment: what was ended stays so, what was not is asked about', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const args = ['--data', `${folder}/data`, '--port', '0', '--broker-port', '0'];
    const committed: string[] = [];
    const maybe = new Set<string>();
    const unanswered = new Set<string>();
    for (let round = 0; round < 5; round++) {
      const child = await startChild(script, args);
      const client = await WireClient.connect(child.broker);
      const ended = once(child.process, 'exit');
      setTimeout(() => void child.process.kill('SIGKILL'), 30 + 40 * round);
      try {
        for (let i = 0; ; i++) {
          const body = `${round}/${i}`;
          const sent = placeOf(await half(client, body));
          maybe.add(body);
          if (i % 3 === 2) continue;
          unanswered.add(body);
          await end(client, sent, i % 3 === 0 ? COMMIT : ROLLBACK);
          unanswered.delete(body);
          if (i % 3 === 0) committed.push(body);
          else maybe.delete(body);
        }
      } catch (error) {
        expect(String(error)).toMatch(/connection closed/);
      }
      client.close();
      await ended;
    }
    const server = await startRocketMQ({
      ...{ dataDir: `${folder}/data`, nameServerPort: 0, brokerPort: 0, ...QUICK, transactionCheckMax: 1 },
    });
    const client = await WireClient.connect(server.brokerAddress);
    const seen = await bodies(client, 'T');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(committed));
    for (const body of seen) expect(maybe.has(body)).toBe(true);
    // Given up after one question each: all that had not ended, and nothing that had.
    const open = [...maybe].filter((body) => !seen.includes(body) && !unanswered.has(body));
    let given: string[] = [];
    await until(async () => {
      given = await bodies(client, 'TRANS_CHECK_MAX_TIME_TOPIC');
      return open.every((body) => given.includes(body));
    });
    for (const body of given) expect(seen).not.toContain(body);
    client.close();
    await server.close();
  });
});
