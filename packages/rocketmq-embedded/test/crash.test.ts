import path from 'node:path';
import {
  commands,
  decodeStoredMessages,
  encodeBatchBody,
  encodeProperties,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { describe, expect, it } from 'vitest';
import { bundleCli, killChild, startChild, type ServerChild } from './support/child.ts';
import { temporaryFolder } from './support/folders.ts';
import { sendRequest, WireClient } from './support/wire-client.ts';

const ROUNDS = 10;

interface Acknowledged {
  topic: string;
  queueId: number;
  offset: number;
  body: string;
  id: string;
}

/** Sends singles and batches until the connection breaks; notes what was acknowledged. */
async function load(
  broker: string,
  round: number,
  lane: number,
  acknowledged: Acknowledged[],
): Promise<void> {
  const client = await WireClient.connect(broker);
  // A new topic every round: its creation must survive as well.
  const topic = `Load-${round}-${lane % 2}`;
  const queueId = lane % 4;
  try {
    for (let i = 0; ; i++) {
      const body = `${round}/${lane}/${i}`;
      if (i % 3 !== 0) {
        const properties = encodeProperties({ UNIQ_KEY: body });
        const response = await client.send({ topic, queueId, body: Buffer.from(body), properties });
        expect(response.code).toBe(ResponseCode.SUCCESS);
        const sent = commands.sendMessageV2.decodeResponse(response);
        acknowledged.push({ topic, queueId, offset: sent.queueOffset, body, id: sent.msgId });
        continue;
      }
      const parts = Array.from({ length: 20 }, (_, part) => `${body}/${part}`);
      const batch = encodeBatchBody(
        parts.map((text) => ({ body: Buffer.from(text), properties: { UNIQ_KEY: text } })),
      );
      const request = sendRequest({ topic, queueId, batch: true, body: batch });
      const response = await client.request(
        RequestCode.SEND_BATCH_MESSAGE,
        commands.sendBatchMessage.encodeRequest(request),
      );
      const sent = commands.sendBatchMessage.decodeResponse(response);
      const ids = sent.msgId.split(',');
      for (const [part, text] of parts.entries()) {
        acknowledged.push({
          topic,
          queueId,
          offset: sent.queueOffset + part,
          body: text,
          id: ids[part] ?? '',
        });
      }
    }
  } catch (error) {
    if (!(error instanceof Error) || !/closed|ECONN|EPIPE|destroyed/.test(error.message)) throw error;
  } finally {
    client.close();
  }
}

/** Every message of a queue by offset; fails on one that cannot be decoded. */
async function stored(
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

async function verify(server: ServerChild, acknowledged: readonly Acknowledged[]): Promise<void> {
  const client = await WireClient.connect(server.broker);
  const queues = new Map<string, Map<number, { body: string; id: number }>>();
  for (const { topic, queueId, offset, body, id } of acknowledged) {
    const key = `${topic}@${queueId}`;
    let queue = queues.get(key);
    if (queue === undefined) queues.set(key, (queue = await stored(client, topic, queueId)));
    expect(queue.get(offset)?.body).toBe(body);
    expect(queue.get(offset)?.id).toBe(Number.parseInt(id.slice(16), 16));
  }
  client.close();
}

describe.each(['async', 'sync'])('kill -9 under load, flush %s', (flush) => {
  it(
    `loses no acknowledged message and serves no torn one, ${ROUNDS} times over`,
    { timeout: 120_000 },
    async () => {
      const folder = temporaryFolder();
      const script = await bundleCli(folder);
      const args = [
        '--data',
        path.join(folder, 'data'),
        '--port',
        '0',
        '--broker-port',
        '0',
        '--flush',
        flush,
      ];
      const acknowledged: Acknowledged[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        const server = await startChild(script, args);
        await verify(server, acknowledged);
        const before = acknowledged.length;
        const lanes = Promise.all(
          Array.from({ length: 6 }, (_, lane) => load(server.broker, round, lane, acknowledged)),
        );
        // At a random moment, once there is something to lose.
        await expect
          .poll(() => acknowledged.length - before, { interval: 5, timeout: 20_000 })
          .toBeGreaterThan(50 + Math.random() * 1500);
        await killChild(server);
        await lanes;
      }
      await verify(await startChild(script, args), acknowledged);
    },
  );
});

describe('the command line', () => {
  it('stops cleanly on SIGINT and goes on with the same data', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const args = ['--data', path.join(folder, 'data'), '--port', '0', '--broker-port', '0'];
    const first = await startChild(script, args);
    const client = await WireClient.connect(first.broker);
    await client.send({ topic: 'T', body: Buffer.from('kept') });
    const code = new Promise((resolve) => first.process.once('exit', resolve));
    first.process.kill('SIGINT');
    expect(await code).toBe(0);
    const second = await startChild(script, args);
    const again = await WireClient.connect(second.broker);
    expect((await stored(again, 'T', 0)).get(0)?.body).toBe('kept');
    again.close();
  });

  it('names the port that is taken and how to take another', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const first = await startChild(script, [
      '--data',
      path.join(folder, 'a'),
      '--port',
      '0',
      '--broker-port',
      '0',
    ]);
    const port = first.broker.split(':')[1] ?? '';
    const second = startChild(script, [
      '--data',
      path.join(folder, 'b'),
      '--port',
      '0',
      '--broker-port',
      port,
    ]);
    await expect(second).rejects.toThrow(new RegExp(`ended with 1:[^]*port ${port} [^]*--broker-port`));
  });

  it('refuses a wrong call with exit code 2 and explains itself', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    await expect(startChild(script, ['--flush', 'never'])).rejects.toThrow(
      /ended with 2:[^]*flush: "never", allowed is sync or async/,
    );
    await expect(startChild(script, ['--bogus'])).rejects.toThrow(/ended with 2:[^]*--help/);
    await expect(startChild(script, ['--help'])).rejects.toThrow(
      /ended with 0:[^]*no replication[^]*Examples:/,
    );
  });
});
