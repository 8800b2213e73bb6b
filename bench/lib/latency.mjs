// From the commit of an outbox row to its inbox row, when nothing else goes on; and the broker's own part of that.
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
import { enqueue } from '@dt/outbox';
import { Producer, PushConsumer } from '@dt/rocketmq-client';
import { createDatabase, migrate } from '../../apps/server/dist/database/index.js';
import { createLog } from '../../apps/server/dist/log/index.js';
import { startMessaging } from '../../apps/server/dist/messaging/index.js';

const SAMPLES = 300;
const WARM_UP = 30;
const WITHIN_MS = 30_000;
/** So that one message is over before the next begins, and does not meet a fixed phase of any timer. */
const idle = () => pause(5 + Math.random() * 20);

/** Ms of both ways, one message of each after the other, so that both meet the machine in the same mood. */
export async function sampleInTurn(...ways) {
  const samples = ways.map(() => []);
  for (let number = -WARM_UP; number < SAMPLES; number++) {
    for (const [index, way] of ways.entries()) {
      const ms = await way(`bench-${number + WARM_UP}`);
      if (number >= 0) samples[index].push(ms);
      await idle();
    }
  }
  return samples;
}

const rocketmqConfig = (nameServer, topic) => ({
  name_server: nameServer,
  producer_group: `${topic}-producer`,
  consumer_group: `${topic}-consumer`,
  topic_settle: topic,
  access_key: 'bench',
  secret_key: 'bench-secret',
});

/** A way to measure ms from a commit's answer to the row that a reader of the inbox sees applied. */
export async function commitToInbox(stage, nameServer, topic) {
  const { connection } = await stage.database();
  const database = createDatabase({ connection, maxConnections: 10 });
  stage.defer(() => database.close());
  await migrate(database);
  const config = rocketmqConfig(nameServer, topic);
  const messaging = startMessaging({
    config,
    outbox: { retention_hours: 0 },
    inbox: { retention_hours: 0, short_memory: 'warn' },
    database,
    handlers: { bench: async () => undefined },
    log: createLog({ level: 'error' }),
  });
  stage.defer(() => messaging.close());
  return async (key) => {
    const message = {
      topic,
      tag: 'bench',
      messageKey: key,
      shardingKey: `p:${key}`,
      payload: { event: 'bench', version: 1 },
    };
    await database.transaction((tx) => enqueue(tx, [message]));
    const committed = performance.now();
    messaging.committed();
    for (;;) {
      const { rows } = await database.query(
        {
          name: 'bench-inbox',
          text: 'SELECT status FROM inbox WHERE consumer_group = $1 AND message_key = $2',
        },
        [config.consumer_group, key],
      );
      if (rows[0]?.status === 1) return performance.now() - committed;
      if (performance.now() - committed > WITHIN_MS)
        throw new Error(`the inbox had no row for ${key} within ${WITHIN_MS / 1000} s`);
    }
  };
}

/** A way to measure ms from a send to the same message in a consumer's handler: the broker and its client alone. */
export async function sendToReceive(stage, nameServer, topic) {
  const arrived = new Map();
  const producer = new Producer({ nameServers: nameServer, group: `${topic}-producer` });
  await producer.start();
  stage.defer(() => producer.close());
  const consumer = new PushConsumer({
    nameServers: nameServer,
    group: `${topic}-consumer`,
    subscriptions: [{ topic, expression: '*' }],
    from: 'first',
    handler: async (messages) => {
      for (const { keys } of messages) arrived.get(keys[0])?.(performance.now());
    },
  });
  // The topic exists before anybody asks for its route.
  await producer.send({ topic, keys: 'first', shardingKey: 'first', body: '{}' });
  await consumer.start();
  stage.defer(() => consumer.close());
  return async (key) => {
    const arrival = new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`message ${key} did not come within ${WITHIN_MS / 1000} s`)),
        WITHIN_MS,
      );
      arrived.set(key, (at) => {
        clearTimeout(timer);
        resolve(at);
      });
    });
    const started = performance.now();
    const [at] = await Promise.all([
      arrival,
      producer.send({ topic, keys: key, shardingKey: key, body: '{"event":"bench","version":1}' }),
    ]);
    arrived.delete(key);
    return at - started;
  };
}
