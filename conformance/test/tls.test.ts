import { Admin, Producer, PushConsumer, RocketMQError, type TlsOptions } from '@dt/rocketmq-client';
import { eventually, startBroker, uniqueName, type RunningBroker } from '@dt/testkit';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { certificates } from './certificates.ts';
import { Received, rocketmq } from './support.ts';

// Certificates are given to a server at its start.
describe.skipIf(rocketmq.external).each([
  ['TLS', false],
  ['mutual TLS', true],
])('a NameServer and a broker that take %s only', (_what, mutual) => {
  let broker: RunningBroker;
  let trusted: TlsOptions;
  beforeAll(async () => {
    const { caFile, server, client } = certificates;
    broker = await startBroker(rocketmq.target, {
      tls: { caFile, ...server, requireClientCertificate: mutual },
    });
    trusted = {
      ca: await readFile(caFile),
      ...(mutual && { cert: await readFile(client.certFile), key: await readFile(client.keyFile) }),
    };
  });
  afterAll(() => broker.close());

  /** The refusal of a start. */
  async function refusedStart(tls: true | TlsOptions | undefined): Promise<RocketMQError> {
    const admin = new Admin({ nameServers: broker.nameServer, ...(tls !== undefined && { tls }) });
    onTestFinished(() => admin.close());
    const error: unknown = await admin.start().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RocketMQError);
    return error as RocketMQError;
  }

  test('serve producers, consumers and admin clients that trust their authority', async () => {
    const common = { nameServers: broker.nameServer, tls: trusted };
    const topic = uniqueName('topic');
    await using admin = new Admin(common);
    await admin.start();
    await admin.createTopic({ topic, readQueueNums: 1, writeQueueNums: 1 });
    await using producer = new Producer({ ...common, group: uniqueName('producer') });
    await producer.start();
    await producer.send({ topic, body: 'small' });
    // More than one TLS record, and more than a socket takes at once.
    const large = Buffer.alloc(3 * 1024 * 1024, 'abc');
    await producer.send({ topic, body: large }, { timeoutMs: 10_000 });
    await producer.sendOneWay({ topic, body: 'one-way' });
    const received = new Received();
    await using consumer = new PushConsumer({
      ...common,
      group: uniqueName('group'),
      subscriptions: [{ topic, expression: '*' }],
      from: 'first',
      handler: received.handler,
    });
    await consumer.start();
    await eventually(() => received.messages.length >= 3, { timeoutMs: 30_000 });
    expect(received.bodies).toEqual(['small', large.toString(), 'one-way']);
  });

  test('are refused by a client that does not trust their authority', async () => {
    const { cert, key } = trusted;
    const own = cert !== undefined && key !== undefined ? { cert, key } : {};
    for (const tls of [own, { ...own, ca: await readFile(certificates.strangerFile) }]) {
      const error = await refusedStart(tls);
      expect(error).toMatchObject({ code: 'tls-failed', retryable: false, outcome: 'not-sent' });
      expect(error.message).toContain('the certificate of the server is refused');
    }
  });

  test('are refused by a client that expects another name', async () => {
    const error = await refusedStart({ ...trusted, servername: 'mq.example.com' });
    expect(error).toMatchObject({ code: 'tls-failed', retryable: false });
    expect(error.message).toContain('mq.example.com');
  });

  test('serve a client that expects a name of their certificate, or takes any', async () => {
    for (const tls of [
      { ...trusted, servername: 'localhost' },
      { ...trusted, ca: await readFile(certificates.strangerFile), rejectUnauthorized: false },
    ]) {
      await using admin = new Admin({ nameServers: broker.nameServer, tls });
      await admin.start();
      expect(await admin.topicList()).toContain('TBW102');
    }
  });

  test('serve a client whose files are put right while it runs', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const caFile = path.join(folder, 'ca.pem');
    await copyFile(certificates.strangerFile, caFile);
    const tls = { caFile, ...(mutual && certificates.client) };
    await using admin = new Admin({ nameServers: broker.nameServer, tls });
    await expect(admin.start()).rejects.toMatchObject({ code: 'tls-failed' });
    await copyFile(certificates.caFile, caFile);
    await admin.start();
    expect(await admin.topicList()).toContain('TBW102');
  });

  test('refuse a client without TLS', async () => {
    expect((await refusedStart(undefined)).code).toBe('name-server-unreachable');
  });

  if (mutual)
    test('refuse a client that shows no certificate', async () => {
      const { ca } = trusted;
      const error = await refusedStart({ ...(ca !== undefined && { ca }) });
      expect(error).toMatchObject({ code: 'tls-failed', retryable: false });
      expect(error.message).toMatch(/certificate/);
    });
});
