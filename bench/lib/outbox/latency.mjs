// From the answer to a COMMIT that wrote an outbox row to the commit of the message's effect: relay, producer, consumer
// and inbox in one process, as the server runs them. And the broker's own way, without any database.
import { setTimeout as pause } from 'node:timers/promises';
import { enqueue, fromPgPool, Inbox, Relay, rocketmqPublisher, rocketmqReceiver } from '@dt/outbox';
import { Producer, PushConsumer } from '@dt/rocketmq-client';
import pg from 'pg';
import { quantile } from '../report.mjs';
import { balances } from './inbox.mjs';
import { message, TAG } from './tables.mjs';

const WITHIN_MS = 30_000;

/** When each message began, and how long it took; waits for the last. */
class Samples {
  #begun = new Map();
  /** Effects that were there before the answer to the commit that caused them. */
  #early = new Set();
  #waiting = new Map();
  values = [];

  begin(key) {
    if (this.#early.delete(key)) this.values.push(0);
    else this.#begun.set(key, performance.now());
  }

  end(key) {
    const begun = this.#begun.get(key);
    if (begun === undefined) {
      this.#early.add(key);
      return;
    }
    this.values.push(performance.now() - begun);
    this.#begun.delete(key);
    this.#waiting.get(key)?.();
  }

  async wait(key) {
    if (!this.#begun.has(key)) return;
    const arrived = new Promise((resolve) => this.#waiting.set(key, resolve));
    const late = pause(WITHIN_MS, true, { ref: false });
    if ((await Promise.race([arrived, late])) === true)
      throw new Error(`${key} did not come in ${WITHIN_MS} ms`);
    this.#waiting.delete(key);
  }

  async waitForAll() {
    await Promise.all([...this.#begun.keys()].map((key) => this.wait(key)));
  }
}

async function openWhole({ connection, nameServer, topic, group }) {
  const pool = new pg.Pool({ ...connection, max: 24 });
  const database = fromPgPool(pool);
  const onError = (error) => process.stderr.write(`${error.message}\n`);
  const producer = new Producer({ nameServers: nameServer, group: `${group}-p` });
  await producer.start();
  const relay = new Relay({ database, publisher: rocketmqPublisher(producer), onError });
  await relay.start();
  const inbox = new Inbox({ database, consumerGroup: group, handlers: { [TAG]: balances }, onError });
  inbox.start();
  const receive = rocketmqReceiver(inbox);
  const samples = new Samples();
  const consumer = await consumerOf({ nameServer, topic, group }, async (messages) => {
    await receive(messages);
    for (const { keys } of messages) samples.end(keys[0]);
  });
  return {
    samples,
    async send(n) {
      const one = message(n, topic);
      await database.transaction((tx) => enqueue(tx, [one]));
      samples.begin(one.messageKey);
      relay.kick();
      return one.messageKey;
    },
    async close() {
      for (const part of [consumer, inbox, relay, producer]) await part.close();
      await pool.end();
    },
  };
}

async function openBroker({ nameServer, topic, group }) {
  const producer = new Producer({ nameServers: nameServer, group: `${group}-p` });
  await producer.start();
  const samples = new Samples();
  const consumer = await consumerOf({ nameServer, topic, group }, async (messages) => {
    for (const { keys } of messages) samples.end(keys[0]);
  });
  return {
    samples,
    async send(n) {
      const { messageKey, shardingKey, payload } = message(n, topic);
      samples.begin(messageKey);
      await producer.send({ topic, keys: messageKey, shardingKey, body: JSON.stringify(payload) });
      return messageKey;
    },
    async close() {
      for (const part of [consumer, producer]) await part.close();
    },
  };
}

async function consumerOf({ nameServer, topic, group }, handler) {
  const consumer = new PushConsumer({
    nameServers: nameServer,
    group,
    subscriptions: [{ topic, expression: '*' }],
    from: 'first',
    batchSize: 256,
    onError: 'suspend',
    handler,
  });
  await consumer.start();
  return consumer;
}

const figuresOf = (values) => ({
  messages: values.length,
  p50Ms: quantile(values, 0.5),
  p99Ms: quantile(values, 0.99),
});

/** One message after the other, a whole one and a bare one in turn, with pauses that meet no timer's phase. */
export async function idleLatency(spec) {
  const ways = [
    await openWhole(spec),
    await openBroker({ ...spec, topic: spec.bareTopic, group: `${spec.group}-bare` }),
  ];
  for (let n = 0; n < spec.count + spec.warmUp; n++) {
    if (n === spec.warmUp) for (const way of ways) way.samples.values.length = 0;
    for (const way of ways) {
      await way.samples.wait(await way.send(n));
      await pause(5 + Math.random() * 20);
    }
  }
  const [whole, bare] = ways.map((way) => figuresOf(way.samples.values));
  for (const way of ways) await way.close();
  return { whole, bare };
}

/** `perSecond` transactions a second of one message each, begun by the clock whatever the others do; first whole, then bare. */
export async function steadyLatency({ perSecond, seconds, warmUpSeconds, ...spec }) {
  const measureWay = async (way) => {
    const begin = performance.now();
    const sending = new Set();
    let n = 0;
    let warm = false;
    while (n < perSecond * (seconds + warmUpSeconds)) {
      const due = Math.floor(((performance.now() - begin) * perSecond) / 1000);
      if (!warm && n >= perSecond * warmUpSeconds) {
        warm = true;
        way.samples.values.length = 0;
      }
      for (; n < due; n++) {
        const one = way.send(n).finally(() => sending.delete(one));
        sending.add(one);
      }
      await pause(1);
    }
    await Promise.all(sending);
    await way.samples.waitForAll();
    await way.close();
    return figuresOf(way.samples.values);
  };
  const whole = await measureWay(await openWhole(spec));
  const bare = await measureWay(
    await openBroker({ ...spec, topic: spec.bareTopic, group: `${spec.group}-bare` }),
  );
  return { whole, bare };
}
