import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import { PopConsumer, PullConsumer, PushConsumer, type ReceivedMessage } from '@dt/rocketmq-client';
import {
  commands,
  encodeStoredMessage,
  MessageSysFlag,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { describe, expect, it, vi } from 'vitest';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import type { Peer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

type Answer = (request: RemotingCommand, peer: Peer, cluster: ScriptedCluster) => void;

function stored(queueOffset: number, overrides: { body?: Buffer; sysFlag?: number } = {}): Buffer {
  return encodeStoredMessage({
    ...{ topic: 'T', queueId: 0, flag: 0, queueOffset, physicalOffset: 1000, sysFlag: 0, bornTimestamp: 1 },
    ...{ bornHost: { ip: '127.0.0.1', port: 1 }, storeTimestamp: 2, reconsumeTimes: 0 },
    ...{ storeHost: { ip: '127.0.0.1', port: 2 }, preparedTransactionOffset: 0, properties: {} },
    body: Buffer.from('x'),
    ...overrides,
  });
}

const pulled =
  (code: number, nextOffset: number, body?: Buffer): Answer =>
  (request, peer, cluster) =>
    cluster.pulled(request, peer, code, nextOffset, body);
const withFields =
  (extFields: Record<string, string>): Answer =>
  (request, peer) =>
    peer.respond(request, 0, { extFields });

const { SUCCESS, PULL_NOT_FOUND, PULL_OFFSET_MOVED, PULL_RETRY_IMMEDIATELY } = ResponseCode;
/** The same again and again, to every pull. */
const wrongPulls: Record<string, Answer> = {
  'with "again, at once" and no new offset': pulled(PULL_RETRY_IMMEDIATELY, 0),
  'with "again, at once" and one step on': (request, peer, cluster) => {
    const { queueOffset } = commands.pullMessage.decodeRequest(request);
    cluster.pulled(request, peer, PULL_RETRY_IMMEDIATELY, queueOffset + 1);
  },
  'with nothing, unheld': pulled(PULL_NOT_FOUND, 0),
  'with an offset that moves to where it is': pulled(PULL_OFFSET_MOVED, 0),
  'with an offset that moves to and fro': (request, peer, cluster) =>
    cluster.pulled(request, peer, PULL_OFFSET_MOVED, request.opaque % 2),
  'with an offset that moves to and fro and comes back in between': (request, peer, cluster) => {
    const isBack = request.opaque % 2 === 0;
    cluster.pulled(request, peer, isBack ? PULL_OFFSET_MOVED : PULL_NOT_FOUND, isBack ? 0 : 100);
  },
  'with an offset that moves below 0': pulled(PULL_OFFSET_MOVED, -5),
  'with messages and the way back to them': pulled(SUCCESS, 0, stored(0)),
  'with messages that lie before the offset': pulled(SUCCESS, 1, stored(-7)),
  'with messages that lie behind the next offset': pulled(SUCCESS, 1, stored(1)),
  'with one message twice': pulled(SUCCESS, 1, Buffer.concat([stored(0), stored(0)])),
  'with messages whose length lies': pulled(SUCCESS, 1, Buffer.from('7fffffff00000000', 'hex')),
  'with a message that is cut': pulled(SUCCESS, 1, stored(0).subarray(0, 60)),
  'with a length of 0': pulled(SUCCESS, 1, Buffer.alloc(200)),
  'without fields': withFields({}),
  'with an offset that is a text': withFields({
    ...{ nextBeginOffset: 'next', minOffset: '0', maxOffset: '1', suggestWhichBrokerId: '0' },
  }),
  'with an offset beyond what a number can hold': withFields({
    ...{ nextBeginOffset: '9007199254740993', minOffset: '0', maxOffset: '1', suggestWhichBrokerId: '0' },
  }),
  'with a broker that is not there': (request, peer) => {
    const header = { suggestWhichBrokerId: 4711, nextBeginOffset: 0, minOffset: 0, maxOffset: 0 };
    const body = Buffer.alloc(0);
    peer.respond(request, PULL_NOT_FOUND, commands.pullMessage.encodeResponse({ ...header, body }));
  },
  'with a code that does not exist': (request, peer) => peer.respond(request, 4711),
  'with the wish to go away': (request, peer) => peer.respond(request, ResponseCode.GO_AWAY),
  'by closing the connection': (_, peer) => peer.socket.destroy(),
  'with a frame that cannot be read': (_, peer) => void peer.socket.write('0000000000000000'),
  'with the answer to another request': (request, peer) =>
    peer.respond({ ...request, opaque: request.opaque + 1000 }, 0),
};

/** Without pauses there would be thousands. */
const MAX_A_SECOND = 40;
const OBSERVED_MS = 700;
const quick = { longPollMs: 100, pullTimeoutMs: 300, pullRetryPauseMs: 50, closeTimeoutMs: 1000 };
const times = { requestTimeoutMs: 2000 };
const subscriptions = [{ topic: 'T', expression: '*' }];

/** How often it was asked, a second. */
async function rateOf(cluster: ScriptedCluster, code: number): Promise<number> {
  const pulls = (): number =>
    cluster.server.requestsOf(code).filter((request) => (request.extFields['topic'] ?? 'T') === 'T').length;
  await until(() => pulls() > 0, 'the first request');
  const before = pulls();
  const startedAt = performance.now();
  await sleep(OBSERVED_MS);
  return ((pulls() - before) * 1000) / (performance.now() - startedAt);
}

describe.concurrent.each(Object.entries(wrongPulls))('a broker that answers every pull %s', (_, answer) => {
  it('is asked with pauses, gives no handler a message twice, and is well again when it answers well', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(RequestCode.PULL_MESSAGE, (request, peer) => answer(request, peer, cluster));
    const offsets: number[] = [];
    const consumer = new PushConsumer({
      ...{ ...quick, ...times, nameServers: [cluster.address], group: 'G', subscriptions },
      handler: async (messages: readonly ReceivedMessage[]) => {
        offsets.push(...messages.map(({ queueOffset }) => queueOffset));
      },
    });
    await consumer.start();
    expect(await rateOf(cluster, RequestCode.PULL_MESSAGE)).toBeLessThan(MAX_A_SECOND);
    expect(cluster.server.peers.length).toBeLessThan(30);
    expect(offsets).toEqual([]);
    // Where the last wrong answer led to is where it goes on.
    cluster.stored[0] = Array.from({ length: 101 }, (__, n) => ({ body: String(n) }));
    cluster.off(RequestCode.PULL_MESSAGE);
    await until(() => offsets.at(-1) === 100, 'the messages of a broker that is well');
    expect(new Set(offsets).size).toBe(offsets.length);
    await consumer.close();
  });
});

describe.concurrent.each(Object.entries(wrongPulls))('a broker that answers every pull %s', (_, answer) => {
  it('does not keep a poll from ending on time', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(RequestCode.PULL_MESSAGE, (request, peer) => answer(request, peer, cluster));
    const options = { ...quick, ...times, nameServers: [cluster.address], group: 'G', subscriptions };
    const consumer = new PullConsumer(options);
    await consumer.start();
    const polled = await consumer.poll({ timeoutMs: 300 }).catch((error: unknown) => error);
    expect(polled instanceof Error ? polled : []).toEqual(polled);
    await consumer.close();
  });
});

it('large bodies from small ones count as what they are, and are not all held at once', async () => {
  const mebibyte = 1_048_576;
  const body = deflateSync(Buffer.alloc(24 * mebibyte));
  const sysFlag = MessageSysFlag.COMPRESSED;
  await using cluster = await ScriptedCluster.start({ T: 1 });
  cluster.on(RequestCode.PULL_MESSAGE, (request, peer) => {
    const { queueOffset } = commands.pullMessage.decodeRequest(request);
    if (queueOffset >= 40) return;
    const messages = Array.from({ length: 20 }, (_, n) => stored(queueOffset + n, { body, sysFlag }));
    cluster.pulled(request, peer, SUCCESS, queueOffset + 20, Buffer.concat(messages));
  });
  let most = 0;
  const sizes: number[] = [];
  const consumer = new PushConsumer({
    ...{ ...quick, ...times, nameServers: [cluster.address], group: 'G', subscriptions },
    ...{ maxCachedBytes: 32 * mebibyte, batchSize: 1 },
    handler: async ([message]: readonly ReceivedMessage[]) => {
      sizes.push(message?.body.length ?? 0);
      most = Math.max(most, process.memoryUsage().arrayBuffers);
    },
  });
  const before = process.memoryUsage().arrayBuffers;
  await consumer.start();
  await until(() => sizes.length >= 12, 'the messages', 20_000);
  await consumer.close();
  expect(new Set(sizes)).toEqual(new Set([24 * mebibyte]));
  // One answer makes 72 MiB before it is cut; with what the garbage collector still has it is far below all forty.
  expect(most - before).toBeLessThan(400 * mebibyte);
});

const POPPED = { popTime: Date.now(), invisibleTime: 60_000, reviveQid: 0, restNum: 0 };
const popped =
  (fields: Partial<Parameters<typeof commands.popMessage.encodeResponse>[0]>): Answer =>
  (request, peer) =>
    peer.respond(
      request,
      0,
      commands.popMessage.encodeResponse({ ...POPPED, body: Buffer.alloc(0), ...fields }),
    );

it('large bodies of one pop are given in parts, and none is lost', async () => {
  const mebibyte = 1_048_576;
  const body = deflateSync(Buffer.alloc(24 * mebibyte));
  const sysFlag = MessageSysFlag.COMPRESSED;
  await using cluster = await ScriptedCluster.start({ T: 1 });
  let pops = 0;
  cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
    if (pops++ > 0) return;
    const messages = Array.from({ length: 20 }, (_, n) => stored(n, { body, sysFlag }));
    popped({ body: Buffer.concat(messages), startOffsetInfo: '0 0 0' })(request, peer, cluster);
  });
  const consumer = new PopConsumer({ ...times, nameServers: [cluster.address], group: 'G', subscriptions });
  await consumer.start();
  const offsets: number[] = [];
  while (offsets.length < 20) {
    const messages = await consumer.pop();
    // 64 MiB and the message that passes it.
    expect(messages.length).toBeLessThanOrEqual(3);
    for (const message of messages) {
      expect(message.body.length).toBe(24 * mebibyte);
      offsets.push(message.queueOffset);
    }
  }
  expect(offsets).toEqual(Array.from({ length: 20 }, (_, n) => n));
  await consumer.close();
});

const wrongPops: Record<string, Answer> = {
  'with nothing, unheld': popped({}),
  'with the end of a poll, at once': (request, peer) => peer.respond(request, ResponseCode.POLLING_TIMEOUT),
  'with messages of no start offset': popped({ body: stored(0) }),
  'with start offsets that are none': popped({ body: stored(0), startOffsetInfo: 'a b c;;0' }),
  'with a message that is cut': popped({ body: stored(0).subarray(0, 50), startOffsetInfo: '0 0 0' }),
  'without fields': withFields({}),
  'with a code that does not exist': (request, peer) => peer.respond(request, 4711),
  'by closing the connection': (_, peer) => peer.socket.destroy(),
};

describe.concurrent.each(Object.entries(wrongPops))('a broker that answers every pop %s', (_, answer) => {
  it('is asked with pauses', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => answer(request, peer, cluster));
    let handled = 0;
    const consumer = new PopConsumer({
      ...{ ...times, nameServers: [cluster.address], group: 'G', subscriptions, pollMs: 100 },
      ...{ popRetryPauseMs: 50, closeTimeoutMs: 1000 },
      handler: async () => void handled++,
    });
    await consumer.start();
    expect(await rateOf(cluster, RequestCode.POP_MESSAGE)).toBeLessThan(MAX_A_SECOND);
    await consumer.close();
    expect(handled).toBe(0);
  });
});

it('a popped message that is invisible for ages is not watched by a timer that fires at once', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  let given = 0;
  cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
    if (given++ > 0) return;
    popped({ invisibleTime: 2 ** 50, body: stored(0), startOffsetInfo: '0 0 0' })(request, peer, cluster);
  });
  const timers = vi.spyOn(globalThis, 'setTimeout');
  let handled = 0;
  const consumer = new PopConsumer({
    ...{ ...times, nameServers: [cluster.address], group: 'G', subscriptions, closeTimeoutMs: 1000 },
    handler: async () => void handled++,
  });
  await consumer.start();
  await until(() => handled > 0, 'the handler');
  await consumer.close();
  const delays = timers.mock.calls.map(([, delayMs]) => delayMs ?? 0);
  timers.mockRestore();
  expect(Math.max(...delays)).toBe(0x7fffffff);
});
