import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import {
  commands,
  createRequest,
  decodeStoredMessages,
  encodeCommand,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startRocketMQ } from '../src/index.ts';
import { temporaryFolder } from './support/folders.ts';
import { connect, startBroker, startServer } from './support/server.ts';
import { sendRequest } from './support/wire-client.ts';

async function rawSocket(address: string): Promise<net.Socket> {
  const [host = '', port] = address.split(':');
  const socket = net.connect(Number(port), host);
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Also with an error: a reset is one way to be closed. */
function closed(socket: net.Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.resume().once('close', () => resolve());
  });
}

describe('bad frames', () => {
  const goodFrame = encodeCommand(createRequest(RequestCode.GET_BROKER_RUNTIME_INFO, {}, { opaque: 1 }));
  const cases: [string, Buffer][] = [
    ['a length beyond the limit', Buffer.from('7fffffff00000000', 'hex')],
    ['a negative length', Buffer.from('ffffffff00000000', 'hex')],
    ['a header longer than its frame', Buffer.from('0000000800000fff00000000', 'hex')],
    ['an unknown serialize type', Buffer.from('0000000805000004deadbeef', 'hex')],
    [
      'a header that is not JSON',
      Buffer.concat([Buffer.from('0000000c00000008', 'hex'), Buffer.from('{"code":')]),
    ],
    ['text of another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a good frame followed by garbage', Buffer.concat([goodFrame, Buffer.alloc(64, 0xff)])],
  ];

  it.each(cases)('%s closes that connection and nothing else', async (_, bytes) => {
    const { server, broker } = await startBroker();
    for (const address of [server.brokerAddress, server.nameServerAddress]) {
      const socket = await rawSocket(address);
      socket.write(bytes);
      await closed(socket);
    }
    expect((await broker.send({ topic: 'T' })).code).toBe(ResponseCode.SUCCESS);
  });

  it('in floods from many connections do no harm', async () => {
    const { server, broker } = await startBroker();
    const floods = Array.from({ length: 40 }, async () => {
      const socket = await rawSocket(server.brokerAddress);
      for (let i = 0; i < 20 && !socket.destroyed; i++) socket.write(randomBytes(4096));
      socket.end();
      await closed(socket);
    });
    for (let i = 0; i < 20; i++) expect((await broker.send({ topic: 'T' })).code).toBe(ResponseCode.SUCCESS);
    await Promise.all(floods);
  });

  it('cut in the middle end with the connection', async () => {
    const { server, broker } = await startBroker();
    const socket = await rawSocket(server.brokerAddress);
    socket.end(goodFrame.subarray(0, goodFrame.length - 3));
    await closed(socket);
    expect((await broker.send({ topic: 'T' })).code).toBe(ResponseCode.SUCCESS);
  });
});

describe('limits', () => {
  it('closes a connection on which nothing moves', async () => {
    const server = await startServer({ limits: { idleTimeoutMs: 100 } });
    await closed(await rawSocket(server.brokerAddress));
    await closed(await rawSocket(server.nameServerAddress));
  });

  it('leaves the requests of a slow reader unread, and serves the others', async () => {
    const { server, broker } = await startBroker({ limits: { pauseWriteBytes: 1 } });
    const body = Buffer.alloc(256 * 1024, 1);
    for (let i = 0; i < 4; i++) await broker.send({ topic: 'T', body });
    const slow = await connect(server.brokerAddress);
    slow.socket.pause();
    const pulls = Array.from({ length: 400 }, (_, i) =>
      slow.pull({ topic: 'T', consumerGroup: 'G', queueOffset: i % 4, maxMsgNums: 1 }),
    );
    // 100 MiB of answers are asked for; the broker must not have them all in memory.
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 50; i++) expect((await broker.send({ topic: 'U' })).code).toBe(ResponseCode.SUCCESS);
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 1024 * 1024);
    slow.socket.resume();
    const answers = await Promise.all(pulls);
    expect(
      answers.every(
        (answer) => answer.code === ResponseCode.SUCCESS && decodeStoredMessages(answer.body).length === 1,
      ),
    ).toBe(true);
  });

  it('refuses a body that is too large and keeps the connection', async () => {
    const { broker } = await startBroker({ limits: { maxMessageBytes: 1000 } });
    expect((await broker.send({ topic: 'T', body: Buffer.alloc(1001, 1) })).code).toBe(
      ResponseCode.MESSAGE_ILLEGAL,
    );
    expect((await broker.send({ topic: 'T', body: Buffer.alloc(1000, 1) })).code).toBe(ResponseCode.SUCCESS);
  });

  it('takes nothing of a batch that it cannot take whole', async () => {
    const { broker } = await startBroker();
    await broker.createTopic('T');
    const request = sendRequest({
      topic: 'T',
      batch: true,
      body: Buffer.from('garbage that is no batch at all'),
    });
    const response = await broker.request(
      RequestCode.SEND_BATCH_MESSAGE,
      commands.sendBatchMessage.encodeRequest(request),
    );
    expect(response.code).toBe(ResponseCode.SYSTEM_ERROR);
    const offset = await broker.request(
      RequestCode.GET_MAX_OFFSET,
      commands.getMaxOffset.encodeRequest({ topic: 'T', queueId: 0 }),
    );
    expect(offset.extFields['offset']).toBe('0');
  });

  it('works on so many requests of a connection at once, and answers all', async () => {
    const { broker } = await startBroker({ limits: { maxInFlightPerConnection: 2 } });
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => broker.send({ topic: 'T', body: Buffer.from(`${i}`) })),
    );
    expect(answers.map((answer) => Number(answer.extFields['queueOffset']))).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
  });
});

describe('start and stop', () => {
  it('refuses options that are not allowed, by name', async () => {
    const dataDir = temporaryFolder();
    await expect(startRocketMQ({ dataDir, brokerPort: 70_000 })).rejects.toThrow(
      'brokerPort: 70000, allowed is an integer from 0 to 65535',
    );
    await expect(startRocketMQ({ dataDir, messageDelayLevel: '1s soon' })).rejects.toThrow(
      'messageDelayLevel: "1s soon"',
    );
    await expect(startRocketMQ({ dataDir, brokerName: 'a b' })).rejects.toThrow('brokerName: "a b"');
    await expect(startRocketMQ({ dataDir: '' })).rejects.toThrow('dataDir');
  });

  it('names a port that is taken, and leaves nothing open behind', async () => {
    const server = await startServer();
    const port = Number(server.nameServerAddress.split(':')[1]);
    const dataDir = temporaryFolder();
    const second = startRocketMQ({ dataDir, nameServerPort: port, brokerPort: 0 });
    await expect(second).rejects.toMatchObject({ code: 'port-in-use' });
    await expect(second).rejects.toThrow(`port ${port} `);
    const third = await startRocketMQ({ dataDir, nameServerPort: 0, brokerPort: 0 });
    await third.close();
  });

  it('closes in bounded time with a client that holds a pull, and may be closed twice', async () => {
    const { server, broker } = await startBroker();
    await broker.createTopic('T');
    void broker
      .pull({ topic: 'T', consumerGroup: 'G', sysFlag: 6, suspendTimeoutMillis: 60_000 })
      .catch(() => undefined);
    const start = Date.now();
    await Promise.all([server.close(), server.close()]);
    expect(Date.now() - start).toBeLessThan(3000);
  });

  it('allows one server a folder', async () => {
    const dataDir = temporaryFolder();
    await startServer({ dataDir });
    await expect(startRocketMQ({ dataDir, nameServerPort: 0, brokerPort: 0 })).rejects.toMatchObject({
      code: 'data-dir-locked',
    });
  });
});
