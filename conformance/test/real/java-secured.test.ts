import { Admin } from '@dt/rocketmq-client';
import { eventually, startBroker, type RunningBroker } from '@dt/testkit';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificates } from '../certificates.ts';
import { rocketmq } from '../wire.ts';
import { JavaClient } from '../foreign/java-client.ts';
import { Stage, targets } from '../foreign/stage.ts';

const WITHIN = { timeoutMs: 45_000 };

// Rules and certificates are given to a server at its start, and Java may not be here.
describe.skipIf(rocketmq.external)('the Java client', () => {
  let java: JavaClient;
  beforeAll(async () => {
    java = await JavaClient.start();
  }, 300_000);
  afterAll(() => java[Symbol.asyncDispose]());

  describe.each(targets)('at a %s RocketMQ with accounts that takes mutual TLS only', (name) => {
    const topic = 'dt_settle';
    const group = 'game-consumer';
    const account = { tls: true, accessKey: 'rocketmq', secretKey: 'rocketmq123' };
    const { caFile, client, server } = certificates;
    let broker: RunningBroker;
    beforeAll(async () => {
      broker = await startBroker(name, {
        ...{ aclFile: fileURLToPath(new URL('../../../docker/plain_acl.yml', import.meta.url)) },
        tls: { caFile, ...server, requireClientCertificate: true },
      });
      await using admin = new Admin({
        nameServers: broker.nameServer,
        credentials: { accessKey: 'rocketmq-admin', secretKey: 'change-me-admin' },
        tls: { caFile, ...client },
      });
      await admin.start();
      await admin.createTopic({ topic, readQueueNums: 2, writeQueueNums: 2 });
    });
    afterAll(() => broker.close());

    test('is let in by certificate and signature, as far as its rights go, and goes on after a crash', async () => {
      await using stage = new Stage(broker, java);
      const consumer = await stage.javaConsumer({ ...account, topic, group });
      const producer = await stage.javaProducer(account);
      expect(await producer.send({ topic, body: 'signed', keys: ['ä'] })).toMatchObject({
        status: 'SEND_OK',
      });
      await eventually(() => consumer.bodies.includes('signed'), WITHIN);
      await expect(producer.send({ topic: 'another', body: 'x' })).rejects.toThrow(/AclException/);
      const unsigned = await stage.javaProducer({ tls: true });
      await expect(unsigned.send({ topic, body: 'x' })).rejects.toThrow(/AclException/);
      const wrong = await stage.javaProducer({ ...account, secretKey: 'another-one' });
      await expect(wrong.send({ topic, body: 'x' })).rejects.toThrow(/AclException.*signature/i);
      const plain = await stage.javaProducer({ ...account, tls: false });
      await expect(plain.send({ topic, body: 'x' })).rejects.toThrow(/Remoting\w*Exception/);

      await broker.killBroker();
      await broker.startBroker();
      await eventually(() => producer.send({ topic, body: 'after' }).then(() => true), WITHIN);
      await eventually(() => consumer.bodies.includes('after'), WITHIN);
    });
  });
});
