interface Surrounding {
  chapter: string;
  before: string;
  after: string;
}

const closeProducer = 'await producer.close();';
const closeConsumer = 'await consumer.close();';

/** A push consumer around options that an example shows. */
function around(options: { topic: string; handler?: string; subscriptions?: string }): [string, string] {
  const { topic, handler, subscriptions } = options;
  return [
    `import { Producer, PushConsumer } from '@dt/rocketmq-client';
     const consumer = new PushConsumer({ nameServers: nameServer, group: 'readme-${topic}-' + Date.now(), from: 'first',
       ${subscriptions ?? `subscriptions: [{ topic: '${topic}', expression: '*' }],`}`,
    `${handler ?? ''} }); await consumer.start();`,
  ];
}

/**
 * What stands around each example of packages/rocketmq-client/README.md so that it is a program, in their order: what
 * it speaks of without showing it, and what shows that it did what the text says.
 */
export const surroundings: readonly Surrounding[] = [
  {
    chapter: 'Send',
    before: `const messages = [{ topic: 'dt_settle', body: 'a' }, { topic: 'dt_settle', body: 'b' }];
      const sendAgainLater = (message) => { throw new Error('not sent: ' + message.body); };`,
    after: `expect(messageId).toMatch(/^[0-9A-F]{32,56}$/); expect(queue.topic).toBe('dt_settle');
      expect(queueOffset).toBeGreaterThanOrEqual(0); expect(outcomes.map(({ ok }) => ok)).toEqual([true, true]);
      expect(new SendError('closed', 'x').retryable).toBe(false);`,
  },
  {
    chapter: 'Send',
    before: `import { Producer } from '@dt/rocketmq-client';
      const clicks = Array.from({ length: 200 }, (_, n) => 'click ' + n);`,
    after: `expect(new Set(results.map(({ messageId }) => messageId)).size).toBe(200); ${closeProducer}`,
  },
  {
    chapter: 'Ask and answer',
    before: `import { Producer, PushConsumer } from '@dt/rocketmq-client';
      const producer = new Producer({ nameServers: nameServer, group: 'readme-asker' }); await producer.start();
      const consumer = new PushConsumer({ nameServers: nameServer, group: 'readme-replier',
        subscriptions: [{ topic: 'quotes', expression: '*' }],
        handler: async (messages) => { for (const message of messages) await producer.reply(message, '1.16'); } });
      await consumer.start();
      await eventually(() => consumer.queues.length >= 2);`,
    after: `expect(body.toString()).toBe('1.16'); ${closeConsumer} ${closeProducer}`,
  },
  {
    chapter: 'Ask and answer',
    before: `import { Producer, PushConsumer } from '@dt/rocketmq-client';
      const quoteFor = (pair) => pair + ' 1.16';
      const producer = new Producer({ nameServers: nameServer, group: 'readme-asker' }); await producer.start();
      const consumer = new PushConsumer({ nameServers: nameServer, group: 'readme-replier',
        subscriptions: [{ topic: 'quotes', expression: '*' }],`,
    after: `}); await consumer.start();
      await eventually(() => consumer.queues.length >= 2);
      const reply = await producer.request({ topic: 'quotes', body: 'EURUSD' }, { timeoutMs: 10_000 });
      expect(reply.body.toString()).toBe('EURUSD 1.16'); ${closeConsumer} ${closeProducer}`,
  },
  {
    chapter: 'Send in a transaction',
    before: `const orderExists = async () => true; let saved; const saveOrder = async (id) => { saved = id; };`,
    after: `expect(state).toBe('commit'); expect(saved).toBe('O-17');`,
  },
  {
    chapter: 'Receive',
    before: `const received = []; const applyInOneTransaction = async (messages) => received.push(...messages);
      await stored({ topic: 'dt_settle', tag: 'order_settled', body: 'first' });`,
    after: '',
  },
  {
    chapter: 'Receive',
    before: `const history = []; const append = async (key, body) => { if (key === 'O-17') history.push(body); };
      const producer = new Producer({ nameServers: nameServer, group: 'readme-orders' }); await producer.start();`,
    after: `await eventually(() => history.length >= 2, { timeoutMs: 30_000 });
      expect(history.slice(-2)).toEqual(['opened', 'paid']); ${closeConsumer} ${closeProducer}`,
  },
  {
    chapter: 'Receive',
    before: around({ topic: 'orders', subscriptions: ' ' })[0],
    after: `handler: async (messages) => { received.push(...messages.map(({ body }) => body.toString())); } });
      const received = []; await consumer.start();
      await stored({ topic: 'orders', tag: 'paid', body: 'wanted', properties: { region: 'eu', amount: '101' } });
      await stored({ topic: 'orders', tag: 'paid', body: 'too little', properties: { region: 'eu', amount: '99' } });
      await eventually(() => received.includes('wanted')); expect(received).not.toContain('too little');
      ${closeConsumer}`,
  },
  {
    chapter: 'Receive',
    before: `let tries = 0; const apply = async () => { if (tries++ === 0) throw new Error('not yet'); };
      ${around({ topic: 'orders' })[0]}`,
    after: `${around({ topic: 'orders' })[1]} await stored({ topic: 'orders', body: 'again' });
      await eventually(() => tries >= 2, { timeoutMs: 30_000 }); ${closeConsumer}`,
  },
  {
    chapter: 'Receive',
    before: `let allocate; const roomOfQueue = () => 'r'; const roomOfClient = () => 'r'; const isMine = () => true;`,
    // Written as options are, each line is a statement with a label.
    after: `const make = (allocate) => new PushConsumer({ nameServers: nameServer, group: 'g', allocate,
        subscriptions: [{ topic: 'dt_settle', expression: '*' }], handler: async () => undefined });
      make(allocation.averageByCircle); make(allocation.consistentHash({ virtualNodes: 10 }));`,
  },
  {
    chapter: 'Receive',
    before: `const cache = []; const updateCache = (messages) => { cache.push(...messages); };`,
    after: `await consumer.start(); await eventually(() => consumer.queues.length === 2);
      await stored({ topic: 'prices', body: '1.16' }); await eventually(() => cache.length > 0); ${closeConsumer}`,
  },
  {
    chapter: 'Read at your own pace',
    before: `await stored({ topic: 'dt_settle', body: 'for the report' });
      const report = async () => { await consumer.close(); };
      setTimeout(() => stored({ topic: 'dt_settle', body: 'one by one' }).catch(() => undefined), 1000);`,
    after: 'expect(Array.isArray(messages)).toBe(true);',
  },
  {
    chapter: 'Read at your own pace',
    before: `import { PullConsumer } from '@dt/rocketmq-client';`,
    after: closeConsumer,
  },
  {
    chapter: 'Pop',
    before: `const sent = []; const isLarge = () => false; const sendMail = async (body) => sent.push(body.toString());
      await stored({ topic: 'mails', body: 'dear' });`,
    after: '',
  },
  {
    chapter: 'Pop',
    before: `import { PopConsumer } from '@dt/rocketmq-client';
      const consumer = new PopConsumer({ nameServers: nameServer, group: 'readme-pop', from: 'first',
        subscriptions: [{ topic: 'mails', expression: '*' }] });
      await consumer.start(); let asked = 0;
      const signal = AbortSignal.timeout(30_000); const isDone = (message) => message.body.toString() === 'done';
      await stored({ topic: 'mails', body: 'later' });
      setTimeout(() => void consumer.close(), 4000);`,
    after: '',
  },
  {
    chapter: 'Look after topics and groups',
    before: `await stored({ topic: 'dt_settle', body: 'x' });
      const { PushConsumer } = await import('@dt/rocketmq-client');
      const member = new PushConsumer({ nameServers: nameServer, group: 'settlement-inbox', from: 'first',
        subscriptions: [{ topic: 'dt_settle', expression: '*' }], handler: async () => undefined });
      await member.start(); await member.close();`,
    after: `expect(await admin.topicList()).toContain('dt_settle');`,
  },
  {
    chapter: 'Look after topics and groups',
    before: `import { Admin } from '@dt/rocketmq-client';
      const admin = new Admin({ nameServers: nameServer }); await admin.start();
      await stored({ topic: 'dt_settle', keys: 'B123:1:order_settled', body: 'found' });
      await eventually(async () => (await admin.messagesByKey('dt_settle', 'B123:1:order_settled')).length > 0);`,
    after: `expect(message.keys).toContain('B123:1:order_settled'); await admin.close();`,
  },
  {
    chapter: 'Look after topics and groups',
    before: `import { Admin, PushConsumer } from '@dt/rocketmq-client';
      const admin = new Admin({ nameServers: nameServer }); await admin.start();
      const member = new PushConsumer({ nameServers: nameServer, group: 'settlement-inbox', from: 'first',
        subscriptions: [{ topic: 'dt_settle', expression: 'order_settled || order_voided' }],
        handler: async () => undefined });
      await member.start(); await eventually(() => member.queues.length >= 2);`,
    after: `await member.close(); await admin.close();`,
  },
  {
    chapter: 'Look after topics and groups',
    before: `import { Admin, PushConsumer } from '@dt/rocketmq-client';
      const admin = new Admin({ nameServers: nameServer }); await admin.start();
      const member = new PushConsumer({ nameServers: nameServer, group: 'settlement-inbox', from: 'first',
        subscriptions: [{ topic: 'dt_settle', expression: 'order_settled || order_voided' }],
        handler: async () => undefined });
      await member.start(); await eventually(() => member.queues.length >= 2);
      const { offsetMessageId } = await stored({ topic: 'dt_settle', tag: 'order_settled', body: 'by hand' });`,
    after: `expect(info.queues.length).toBeGreaterThan(0); expect(info.stack).toContain('dt_settle');
      await member.close(); await admin.close();`,
  },
  {
    chapter: 'TLS',
    before: `import { Producer } from '@dt/rocketmq-client';
      import { readFileSync as read } from 'node:fs';
      const certificates = new URL('../../conformance/test/support/certificates/', import.meta.url);
      const readFileSync = (name) =>
        read(new URL({ 'ca.pem': 'authority.pem' }[name] ?? name, certificates));`,
    after: `expect(producer).toBeDefined();`,
  },
  {
    chapter: 'Seen from outside',
    before: '',
    after: `await producer.start(); await producer.send({ topic: 'orders', body: 'measured' }); ${closeProducer}
      const { register } = await import('prom-client');
      expect(await register.metrics()).toContain('rocketmq_send_cost_time_count');`,
  },
];
