import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  commands,
  createRequest,
  decodeProperties,
  encodeProperties,
  MessageSysFlag,
  type RemotingCommand,
  RequestCode,
} from '@dt/rocketmq-protocol';
import { Producer } from '@dt/rocketmq-client';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import type { Peer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

const { HEART_BEAT, PUSH_REPLY_MESSAGE_TO_CLIENT, SEND_MESSAGE_V2, SEND_REPLY_MESSAGE_V2 } = RequestCode;
const COMPRESSED = MessageSysFlag.COMPRESSED | MessageSysFlag.COMPRESSION_ZLIB;

async function producerOn(cluster: ScriptedCluster): Promise<Producer> {
  const producer = new Producer({ nameServers: cluster.address, group: 'PG', closeTimeoutMs: 100 });
  await producer.start();
  return producer;
}

function propertiesOf(request: RemotingCommand): Record<string, string> {
  return decodeProperties(commands.sendMessageV2.decodeRequest(request).properties ?? '');
}

/** What a broker pushes to the one who asked. */
function push(peer: Peer, correlationId: string, body: Buffer, sysFlag = 0): void {
  const payload = commands.pushReplyMessageToClient.encodeRequest({
    ...{ producerGroup: 'PG', topic: 'C_REPLY_TOPIC', defaultTopic: 'TBW102', defaultTopicQueueNums: 1 },
    ...{ queueId: 0, sysFlag, bornTimestamp: 5, flag: 0, reconsumeTimes: 0, unitMode: false },
    ...{ bornHost: '127.0.0.1:1', storeHost: '127.0.0.1:2', storeTimestamp: 6, body },
    properties: encodeProperties({ CORRELATION_ID: correlationId, MSG_TYPE: 'reply' }),
  });
  peer.send(createRequest(PUSH_REPLY_MESSAGE_TO_CLIENT, payload, { opaque: 77 }));
}

/** Answers requests with their own bodies, in upper case. */
function echo(cluster: ScriptedCluster, change: (body: Buffer) => [Buffer, number?]): void {
  cluster.on(SEND_MESSAGE_V2, (request, peer) => {
    cluster.accept(request, peer);
    const [body, sysFlag] = change(request.body);
    push(peer, propertiesOf(request)['CORRELATION_ID'] ?? '', body, sysFlag);
  });
}

describe('a request', () => {
  it('says who waits and how long, and resolves with the reply', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    echo(cluster, (body) => [deflateSync(body.toString().toUpperCase()), COMPRESSED]);
    await using producer = await producerOn(cluster);
    const reply = await producer.request({ topic: 'T', body: 'hello' }, { timeoutMs: 5000 });
    expect(reply).toMatchObject({ bornTimestamp: 5, bornHost: '127.0.0.1:1' });
    expect(reply.body.toString()).toBe('HELLO');
    const [sent] = cluster.server.requestsOf(SEND_MESSAGE_V2);
    expect(sent && propertiesOf(sent)).toMatchObject({ REPLY_TO_CLIENT: producer.clientId, TTL: '5000' });
    expect(cluster.server.requestsOf(HEART_BEAT).length).toBeGreaterThan(0);
  });

  it('is ended by its time, its caller and the end of the producer; later replies are dropped', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const producer = await producerOn(cluster);
    const message = { topic: 'T', body: 'x' };
    const late = producer.request(message, { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: 'timeout', outcome: 'unknown' });
    const controller = new AbortController();
    const aborted = producer.request(message, { timeoutMs: 10_000, signal: controller.signal });
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 2, 'the second request');
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'aborted' });
    const [first] = cluster.server.requestsOf(SEND_MESSAGE_V2);
    const peer = cluster.server.peers.at(-1);
    if (first !== undefined && peer !== undefined)
      push(peer, propertiesOf(first)['CORRELATION_ID'] ?? '', Buffer.from('late'));
    await producer.send(message);
    const closed = producer.request(message, { timeoutMs: 10_000 });
    await until(() => cluster.server.requestsOf(SEND_MESSAGE_V2).length === 4, 'the last request');
    await Promise.all([expect(closed).rejects.toMatchObject({ code: 'closed' }), producer.close()]);
  });

  it('fails at once when the message is refused, and when the reply cannot be read', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => peer.respond(request, 13));
    const refused = producer.request({ topic: 'T', body: 'x' });
    await expect(refused).rejects.toMatchObject({ code: 'broker-error', responseCode: 13 });
    echo(cluster, (body) => [body, COMPRESSED]);
    const damaged = producer.request({ topic: 'T', body: 'x' });
    await expect(damaged).rejects.toMatchObject({ code: 'bad-answer', outcome: 'unknown' });
    const delayed = producer.request({ topic: 'T', body: 'x', delayMs: 1 });
    await expect(delayed).rejects.toMatchObject({ code: 'message-invalid' });
  });
});

describe('a reply', () => {
  const queue = { topic: 'T', brokerName: 'broker-a', queueId: 0 };

  it('goes to the reply topic of the cluster, at the broker the request came from', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1, C_REPLY_TOPIC: 1 });
    cluster.on(SEND_REPLY_MESSAGE_V2, (request, peer) => cluster.accept(request, peer));
    await using producer = await producerOn(cluster);
    const asked = { CLUSTER: 'C', CORRELATION_ID: 'id', REPLY_TO_CLIENT: 'who', TTL: '3000' };
    await producer.reply({ properties: { ...asked, OTHER: 'x' }, queue }, 'answer');
    const [sent] = cluster.server.requestsOf(SEND_REPLY_MESSAGE_V2);
    const given = sent && commands.sendReplyMessageV2.decodeRequest(sent);
    expect(given).toMatchObject({ topic: 'C_REPLY_TOPIC', producerGroup: 'PG' });
    const kept = { CORRELATION_ID: 'id', REPLY_TO_CLIENT: 'who', TTL: '3000' };
    expect(decodeProperties(given?.properties ?? '')).toEqual({ ...kept, MSG_TYPE: 'reply' });
  });

  it.each([
    ['a message that is no request', { CLUSTER: 'C' }, 'x'],
    [
      'too large a body',
      { CLUSTER: 'C', CORRELATION_ID: 'i', REPLY_TO_CLIENT: 'w' },
      Buffer.alloc(4_194_305),
    ],
    ['no body', { CLUSTER: 'C', CORRELATION_ID: 'i', REPLY_TO_CLIENT: 'w' }, 5 as never],
  ])('is refused: %s', async (_, properties, body) => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    await using producer = await producerOn(cluster);
    await expect(producer.reply({ properties: { ...properties }, queue }, body)).rejects.toMatchObject({
      code: 'message-invalid',
    });
  });
});
