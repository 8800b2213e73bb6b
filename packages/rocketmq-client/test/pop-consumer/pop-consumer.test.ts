import {
  commands,
  decodeReceiptHandle,
  encodeStoredMessage,
  type MessageProperties,
  type RemotingCommand,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { PopConsumer, type PopConsumerOptions, type PoppedMessage } from '@dt/rocketmq-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import type { Peer } from '../support/scripted-server.ts';
import { until as untilOf } from '../support/until.ts';

interface Stored {
  body: string;
  properties?: MessageProperties;
  sysFlag?: number;
  reconsumeTimes?: number;
}

type Answer = Partial<Parameters<typeof commands.popMessage.encodeResponse>[0]>;

function answerPop(
  request: RemotingCommand,
  peer: Peer,
  messages: readonly Stored[],
  overrides: Answer = {},
): void {
  const { topic, invisibleTime } = commands.popMessage.decodeRequest(request);
  const body = Buffer.concat(
    messages.map((message, n) =>
      encodeStoredMessage({
        ...{ topic, queueId: 0, flag: 0, queueOffset: 10 + n, physicalOffset: 1000 + n },
        ...{ bornTimestamp: 1, bornHost: { ip: '127.0.0.1', port: 1 } },
        ...{ storeTimestamp: 2, storeHost: { ip: '127.0.0.1', port: 10911 }, preparedTransactionOffset: 0 },
        sysFlag: message.sysFlag ?? 0,
        reconsumeTimes: message.reconsumeTimes ?? 0,
        body: Buffer.from(message.body),
        properties: message.properties ?? {},
      }),
    ),
  );
  const response = {
    ...{ popTime: 1_700_000_000_000, invisibleTime, reviveQid: 2, restNum: 0, startOffsetInfo: '0 0 10' },
    ...{ msgOffsetInfo: '', body, ...overrides },
  };
  const code = messages.length === 0 ? ResponseCode.POLLING_TIMEOUT : ResponseCode.SUCCESS;
  peer.respond(request, code, commands.popMessage.encodeResponse(response));
}

/** Gives these messages to the first pop; later ones are held, as a broker does. */
function giveOnce(cluster: ScriptedCluster, messages: readonly Stored[], overrides: Answer = {}): void {
  let isGiven = false;
  cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
    if (isGiven) return;
    isGiven = true;
    answerPop(request, peer, messages, overrides);
  });
  cluster.on(RequestCode.CHANGE_MESSAGE_INVISIBLETIME, (request, peer) => {
    const { invisibleTime } = commands.changeMessageInvisibleTime.decodeRequest(request);
    const response = { popTime: 1_700_000_000_500, invisibleTime, reviveQid: 3 };
    peer.respond(request, 0, commands.changeMessageInvisibleTime.encodeResponse(response));
  });
}

async function startPop(
  cluster: ScriptedCluster,
  options: Partial<PopConsumerOptions> = {},
): Promise<PopConsumer> {
  const consumer = new PopConsumer({
    nameServers: cluster.address,
    group: 'G',
    subscriptions: [{ topic: 'T', expression: '*' }],
    ...options,
  });
  onTestFinished(() => consumer.close());
  await consumer.start();
  return consumer;
}

const until = (condition: () => boolean): Promise<void> => untilOf(condition, 'what this test waits for');

const requests = (cluster: ScriptedCluster, code: number): RemotingCommand[] =>
  cluster.server.requestsOf(code);

describe('the options of a pop consumer', () => {
  const valid = { nameServers: '127.0.0.1:1', group: 'G', subscriptions: [{ topic: 'T', expression: '*' }] };
  it.each([
    [{ batchSize: 33 }, 'batchSize: 33'],
    [{ invisibleMs: 0 }, 'invisibleMs: 0'],
    [{ pollMs: -1 }, 'pollMs: -1'],
    [{ from: { timestamp: 1 } }, 'from: '],
    [{ retryDelaysMs: [] }, 'retryDelaysMs'],
    [{ retryDelaysMs: [1, 0] }, 'retryDelaysMs: 0'],
    [{ handler: 'x' }, 'handler: "x"'],
    [{ subscriptions: [] }, 'subscriptions'],
  ])('are checked at the door: %j', (options, text) => {
    const make = (): unknown => new PopConsumer({ ...valid, ...options } as unknown as PopConsumerOptions);
    expect(make).toThrow(text);
  });

  it('belong to calls, too', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = await startPop(cluster);
    await expect(consumer.pop({ maxMessages: 33 })).rejects.toMatchObject({ code: 'options-invalid' });
    await expect(consumer.pop({ waitMs: -1 })).rejects.toMatchObject({ code: 'options-invalid' });
    const forged = { receipt: 'x', invisibleUntil: Date.now() + 1000 } as PoppedMessage;
    await expect(consumer.ack(forged)).rejects.toThrow(/message.receipt: "x"/);
    await expect(consumer.changeInvisible(forged, 0)).rejects.toThrow(/invisibleMs: 0/);
  });

  it('of one with a handler leave the messages to it', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = await startPop(cluster, { handler: async () => undefined });
    await expect(consumer.pop()).rejects.toThrow(/without a handler/);
  });
});

describe('popping', () => {
  it('asks for what the options say, and makes the receipts', async () => {
    await using cluster = await ScriptedCluster.start({ T: 4 });
    const properties = { TAGS: 'a', KEYS: 'k', UNIQ_KEY: 'U' };
    giveOnce(cluster, [{ body: 'x', properties }, { body: 'y' }]);
    const subscriptions = [{ topic: 'T', expression: '*' }];
    const consumer = await startPop(cluster, { invisibleMs: 5000, from: 'first', subscriptions });
    const [x] = await consumer.pop({ maxMessages: 7, waitMs: 2000 });
    const request = requests(cluster, RequestCode.POP_MESSAGE)[0] as RemotingCommand;
    expect(commands.popMessage.decodeRequest(request)).toMatchObject({
      ...{ consumerGroup: 'G', topic: 'T', queueId: -1, maxMsgNums: 7, invisibleTime: 5000, initMode: 0 },
      ...{ exp: '*', expType: 'TAG' },
    });
    expect(x).toMatchObject({
      ...{ topic: 'T', tag: 'a', keys: ['k'], messageId: 'U', queueOffset: 10 },
      receipt: '10 1700000000000 5000 2 0 broker-a 0 10',
      properties: { '1ST_POP_TIME': '1700000000000' },
    });
    expect(x?.invisibleUntil).toBeGreaterThan(Date.now());
    const heartbeat = requests(cluster, RequestCode.HEART_BEAT)[0] as RemotingCommand;
    expect(commands.heartBeat.decodeRequest(heartbeat).consumers[0]).toMatchObject({
      ...{ groupName: 'G', consumeType: 'CONSUME_POP' },
    });
  });

  it('waits longer than other requests may take', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
      setTimeout(() => answerPop(request, peer, [{ body: 'late' }]), 400);
    });
    const consumer = await startPop(cluster, { requestTimeoutMs: 200 });
    expect(await consumer.pop()).toHaveLength(1);
  });

  it('keeps what another topic gives meanwhile for the next call', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1, U: 1 });
    const held: (() => void)[] = [];
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
      const { topic } = commands.popMessage.decodeRequest(request);
      const answers = requests(cluster, RequestCode.POP_MESSAGE).filter(
        ({ extFields }) => extFields['topic'] === topic,
      );
      if (answers.length > 1) return;
      if (topic === 'T') answerPop(request, peer, [{ body: 'T' }]);
      else held.push(() => answerPop(request, peer, [{ body: 'U' }]));
    });
    const subscriptions = ['T', 'U'].map((topic) => ({ topic, expression: '*' }));
    const consumer = await startPop(cluster, { subscriptions });
    expect((await consumer.pop()).map(({ topic }) => topic)).toEqual(['T']);
    held[0]?.();
    expect((await consumer.pop()).map(({ topic }) => topic)).toEqual(['U']);
  });

  it('says what is wrong with an answer that cannot be read', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = await startPop(cluster);
    giveOnce(cluster, [{ body: 'x' }], { startOffsetInfo: '' });
    await expect(consumer.pop()).rejects.toMatchObject({ code: 'bad-answer', retryable: true });
    giveOnce(cluster, [{ body: 'x' }], { startOffsetInfo: '0 zero 1' });
    await expect(consumer.pop()).rejects.toMatchObject({ code: 'bad-answer' });
    giveOnce(cluster, [{ body: 'x', properties: { POP_CK: 'garbage' } }]);
    await expect(consumer.pop()).rejects.toMatchObject({ code: 'bad-answer' });
  });

  it('says when the clocks differ too much for the broker', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
      const remark = 'the broker[127.0.0.1] pop message is timeout too much';
      peer.respond(request, ResponseCode.POLLING_TIMEOUT, { remark });
    });
    const consumer = await startPop(cluster);
    await expect(consumer.pop()).rejects.toThrow(/do its clock and this one differ/);
  });

  it('does not hammer a broker that does not wait', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => answerPop(request, peer, []));
    const consumer = await startPop(cluster);
    expect(await consumer.pop({ waitMs: 300 })).toEqual([]);
    expect(requests(cluster, RequestCode.POP_MESSAGE).length).toBeLessThan(10);
  });

  it('fails with the refusal of its credentials', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = await startPop(cluster);
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
      peer.respond(request, ResponseCode.SYSTEM_ERROR, {
        remark: 'org.apache.rocketmq.acl.common.AclException: no',
      });
    });
    await expect(consumer.pop()).rejects.toMatchObject({ code: 'access-denied' });
  });
});

describe('acknowledging', () => {
  it('takes one request for many messages of a broker', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'a' }, { body: 'b' }, { body: 'c' }]);
    const consumer = await startPop(cluster);
    const [a, , c] = (await consumer.pop()) as [PoppedMessage, PoppedMessage, PoppedMessage];
    await consumer.ack([a, c]);
    const [batch] = requests(cluster, RequestCode.BATCH_ACK_MESSAGE) as [RemotingCommand];
    expect(commands.batchAckMessage.decodeRequest(batch)).toMatchObject({
      brokerName: 'broker-a',
      acks: [{ consumerGroup: 'G', topic: 'T', retry: 'normal', startOffset: 10, offsets: [0, 2] }],
    });
  });

  it('names the retry topic for a message that came through it', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const receipt = '3 1700000000000 60000 5 1 broker-a 0 4';
    giveOnce(cluster, [{ body: 'a', properties: { POP_CK: receipt }, reconsumeTimes: 1 }]);
    const consumer = await startPop(cluster);
    const [message] = (await consumer.pop()) as [PoppedMessage];
    expect(message).toMatchObject({ topic: 'T', receipt, queue: { topic: '%RETRY%G_T', queueId: 0 } });
    await consumer.ack(message);
    const [ack] = requests(cluster, RequestCode.ACK_MESSAGE) as [RemotingCommand];
    expect(commands.ackMessage.decodeRequest(ack)).toEqual({
      ...{ consumerGroup: 'G', topic: '%RETRY%G_T', queueId: 0, extraInfo: receipt, offset: 4 },
    });
  });

  it('is tried again when the answer was lost', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'a' }]);
    const consumer = await startPop(cluster);
    const [message] = (await consumer.pop()) as [PoppedMessage];
    let tries = 0;
    cluster.on(RequestCode.ACK_MESSAGE, (request, peer) => {
      if (++tries === 1) peer.socket.destroy();
      else peer.respond(request, 0);
    });
    await consumer.ack(message);
    expect(tries).toBe(2);
    cluster.on(RequestCode.ACK_MESSAGE, (request, peer) => {
      tries++;
      peer.respond(request, ResponseCode.NO_MESSAGE, { remark: 'offset is illegal' });
    });
    await expect(consumer.ack(message)).rejects.toMatchObject({ code: 'broker-error', responseCode: 208 });
    expect(tries).toBe(3);
  });

  it('tells that the time was over, and tells the broker all the same', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'a' }]);
    const consumer = await startPop(cluster, { invisibleMs: 20 });
    const [message] = (await consumer.pop()) as [PoppedMessage];
    await until(() => Date.now() > message.invisibleUntil);
    await expect(consumer.ack(message)).rejects.toMatchObject({ code: 'receipt-expired', retryable: false });
    expect(requests(cluster, RequestCode.ACK_MESSAGE)).toHaveLength(1);
    await expect(consumer.changeInvisible(message, 1000)).rejects.toMatchObject({ code: 'receipt-expired' });
    expect(requests(cluster, RequestCode.CHANGE_MESSAGE_INVISIBLETIME)).toHaveLength(0);
  });

  it('needs the receipt of the last change', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'a' }, { body: 'b' }]);
    const consumer = await startPop(cluster);
    const [, b] = (await consumer.pop()) as [PoppedMessage, PoppedMessage];
    await consumer.changeInvisible(b, 7000);
    expect(b.receipt).toBe('11 1700000000500 7000 3 0 broker-a 0 11');
    await consumer.ack(b);
    const [ack] = requests(cluster, RequestCode.ACK_MESSAGE) as [RemotingCommand];
    expect(ack.extFields['extraInfo']).toBe(b.receipt);
  });
});

describe('a handler', () => {
  it('that throws has its message put off by the table, and by no more than its end', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(
      cluster,
      [0, 1, 15].map((reconsumeTimes) => ({ body: 'x', reconsumeTimes })),
    );
    await startPop(cluster, { handler: () => Promise.reject(new Error('no')) });
    await until(() => requests(cluster, RequestCode.CHANGE_MESSAGE_INVISIBLETIME).length === 3);
    const delays = requests(cluster, RequestCode.CHANGE_MESSAGE_INVISIBLETIME).map(
      (request) => commands.changeMessageInvisibleTime.decodeRequest(request).invisibleTime,
    );
    expect(delays).toEqual([10_000, 30_000, 7_200_000]);
    expect(requests(cluster, RequestCode.ACK_MESSAGE)).toHaveLength(0);
  });

  it('that fails too often makes a dead letter, acknowledged when it is stored', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'x', reconsumeTimes: 16 }]);
    await startPop(cluster, { handler: () => Promise.reject(new Error('no')) });
    await until(() => requests(cluster, RequestCode.ACK_MESSAGE).length === 1);
    const [back] = requests(cluster, RequestCode.CONSUMER_SEND_MSG_BACK) as [RemotingCommand];
    expect(commands.consumerSendMessageBack.decodeRequest(back)).toMatchObject({
      ...{ offset: 1000, group: 'G', delayLevel: -1, originTopic: 'T' },
    });
  });

  it('does not see a body that cannot be read', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'no zlib', sysFlag: 1 }]);
    let calls = 0;
    await startPop(cluster, { handler: async () => void calls++ });
    await until(() => requests(cluster, RequestCode.CHANGE_MESSAGE_INVISIBLETIME).length === 1);
    expect(calls).toBe(0);
  });

  it('learns by its signal that the time of its message is over, the changed one', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'x' }]);
    let lastedMs: number | undefined;
    await startPop(cluster, {
      invisibleMs: 150,
      handler: async (_message, { signal, changeInvisible }) => {
        const startedAt = Date.now();
        await changeInvisible(400);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        lastedMs = Date.now() - startedAt;
      },
    });
    await until(() => lastedMs !== undefined);
    expect(lastedMs).toBeGreaterThan(350);
  });

  it('that does not end is left alone when the consumer closes', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'x' }]);
    let signal: AbortSignal | undefined;
    const consumer = await startPop(cluster, {
      ...{ closeTimeoutMs: 300, requestTimeoutMs: 60_000 },
      handler: (_message, context) => {
        signal = context.signal;
        return new Promise(() => undefined);
      },
    });
    await until(() => signal !== undefined);
    const startedAt = Date.now();
    await consumer.close();
    expect(Date.now() - startedAt).toBeLessThan(1500);
    expect(signal?.aborted).toBe(true);
  });

  it('has its message acknowledged also when the consumer closes meanwhile', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    giveOnce(cluster, [{ body: 'x' }]);
    let finish = (): void => undefined;
    let isRunning = false;
    const consumer = await startPop(cluster, {
      handler: () => {
        isRunning = true;
        return new Promise((resolve) => (finish = resolve));
      },
    });
    await until(() => isRunning);
    const closing = consumer.close();
    finish();
    await closing;
    expect(requests(cluster, RequestCode.ACK_MESSAGE)).toHaveLength(1);
  });

  it('gets no more messages at a time than it may have', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
      const { maxMsgNums } = commands.popMessage.decodeRequest(request);
      answerPop(
        request,
        peer,
        Array.from({ length: maxMsgNums }, () => ({ body: 'x' })),
      );
    });
    let running = 0;
    let most = 0;
    let calls = 0;
    const consumer = await startPop(cluster, {
      concurrency: 5,
      handler: async () => {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        running--;
        calls++;
      },
    });
    await until(() => calls > 100);
    await consumer.close();
    expect(most).toBe(5);
    for (const request of requests(cluster, RequestCode.POP_MESSAGE))
      expect(commands.popMessage.decodeRequest(request).maxMsgNums).toBeLessThanOrEqual(5);
  });

  it('goes on after a failure of the brokers', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    let pops = 0;
    cluster.on(RequestCode.POP_MESSAGE, (request, peer) => {
      pops++;
      if (pops === 1) peer.respond(request, ResponseCode.SYSTEM_BUSY, { remark: 'busy' });
      else if (pops === 2) answerPop(request, peer, [{ body: 'x' }]);
    });
    const handled: string[] = [];
    await startPop(cluster, {
      popRetryPauseMs: 10,
      handler: async ({ body, receipt }) => {
        expect(decodeReceiptHandle(receipt).queueOffset).toBe(10);
        handled.push(body.toString());
      },
    });
    await until(() => handled.length === 1);
  });
});

describe('a closed pop consumer', () => {
  it('rejects what waits and what comes later', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const consumer = await startPop(cluster);
    cluster.on(RequestCode.POP_MESSAGE, () => undefined);
    const waiting = expect(consumer.pop()).rejects.toMatchObject({ code: 'closed' });
    await consumer.close();
    await waiting;
    await expect(consumer.pop()).rejects.toMatchObject({ code: 'closed' });
    await expect(consumer.ack([])).rejects.toMatchObject({ code: 'closed' });
    await expect(consumer.start()).resolves.toBeUndefined();
  });

  it('was not started before', async () => {
    const subscriptions = [{ topic: 'T', expression: '*' }];
    const consumer = new PopConsumer({ nameServers: '127.0.0.1:1', group: 'G', subscriptions });
    await expect(consumer.pop()).rejects.toMatchObject({ code: 'not-started' });
    await consumer.close();
  });
});
