import { randomBytes } from 'node:crypto';
import { Admin, type MessageHandler, Producer, PullConsumer, PushConsumer } from '@dt/rocketmq-client';
import { brokerTargetFromEnvironment, eventually, startBroker, uniqueName } from '@dt/testkit';
import { expect, it, onTestFinished } from 'vitest';

// A broker answers offset 0 for a group it does not know while a queue still has its first message: here it is gone. A
// RocketMQ deletes nothing in its first minute, and the embedded one has no old files in a test: only ROCKETMQ_TARGET=real.
const target = brokerTargetFromEnvironment();

it.skipIf(target === 'embedded')(
  'a new group on an old queue starts at the first message, behind the last one, or at a time',
  async () => {
    const broker = await startBroker(target, {
      brokerConfig: { mappedFileSizeCommitLog: '1048576', maxMessageSize: '262144', fileReservedTime: '0' },
    });
    onTestFinished(() => broker.close());
    const nameServers = broker.nameServer;
    const admin = new Admin({ nameServers });
    onTestFinished(() => admin.close());
    await admin.start();
    const newTopic = async (): Promise<string> => {
      const topic = uniqueName('topic');
      await admin.createTopic({ topic, readQueueNums: 1, writeQueueNums: 1 });
      return topic;
    };
    const topic = await newTopic();
    const producer = new Producer({ nameServers, group: uniqueName('producer') });
    onTestFinished(() => producer.close());
    await producer.start();
    const send = async (...bodies: string[]): Promise<void> => {
      for (const body of bodies) await producer.send({ topic, body });
    };
    await send('gone 1', 'gone 2');
    const filler = await newTopic();
    for (let n = 0; n < 12; n++) await producer.send({ topic: filler, body: randomBytes(200_000) });
    await send('old 1', 'old 2');
    await new Promise((resolve) => setTimeout(resolve, 50));
    const [queue] = (await admin.topicRoute(topic)).readableQueues;
    if (queue === undefined) throw new Error('the topic has a queue');
    await eventually(async () => (await admin.maxOffset(queue)) === 4);
    const second = await admin.messageByOffset(queue, 3);
    const timestamp = (second?.storeTimestamp ?? 0) + 1;
    await send('young 1', 'young 2');
    await eventually(async () => (await admin.maxOffset(queue)) === 6);
    await admin.deleteExpiredCommitLog(broker.brokerAddress);
    await eventually(async () => (await admin.minOffset(queue)) === 2, { timeoutMs: 100_000 });

    const expected = [
      ['first', ['old 1', 'old 2', 'young 1', 'young 2', 'late']],
      ['last', ['late']],
      [{ timestamp }, ['young 1', 'young 2', 'late']],
    ] as const;
    const subscriptions = [{ topic, expression: '*' }];
    const pushed: string[][] = [];
    const pulling: PullConsumer[] = [];
    for (const [from] of expected) {
      const bodies: string[] = [];
      const handler: MessageHandler = async (messages) => {
        bodies.push(...messages.map(({ body }) => body.toString()));
      };
      const push = new PushConsumer({
        ...{ nameServers, group: uniqueName('push'), subscriptions, from, handler },
      });
      const pull = new PullConsumer({ nameServers, group: uniqueName('pull'), subscriptions, from });
      for (const consumer of [push, pull]) {
        onTestFinished(() => consumer.close());
        await consumer.start();
      }
      pushed.push(bodies);
      pulling.push(pull);
    }
    await send('late');
    for (const [index, [, bodies]] of expected.entries()) {
      await eventually(() => pushed[index]?.includes('late'));
      expect(pushed[index]).toEqual(bodies);
      const polled: string[] = [];
      await eventually(async () => {
        const messages = (await pulling[index]?.poll()) ?? [];
        polled.push(...messages.map(({ body }) => body.toString()));
        return polled.includes('late');
      });
      expect(polled).toEqual(bodies);
    }
  },
);
