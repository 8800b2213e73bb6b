import { protocol, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import {
  ask,
  commands,
  done,
  makeTopic,
  openBroker,
  readQueue,
  ResponseCode,
  rocketmq,
  sendRequest,
} from './wire.ts';

const maxBodyBytes = 4 * 1024 * 1024;

describe('a message', () => {
  test('is stored as sent, with what the broker adds', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 2);
    const bornTimestamp = Date.now() - 5000;
    const properties = protocol.encodeProperties({ TAGS: 'red', KEYS: 'k1 k2', own: 'ünïcode 玩家' });
    const sent = await done(
      broker,
      commands.sendMessageV2,
      sendRequest(topic, 'hello', { queueId: 1, flag: 7, bornTimestamp, properties }),
    );
    expect(sent).toMatchObject({ queueId: 1, queueOffset: 0 });
    const place = protocol.decodeOffsetMessageId(sent.msgId);
    expect(`${place.storeHost.ip}:${place.storeHost.port}`).toBe(rocketmq.brokerAddress);

    const [stored] = await readQueue(topic, 1, { atLeast: 1 });
    expect(stored).toMatchObject({
      topic,
      queueId: 1,
      flag: 7,
      queueOffset: 0,
      physicalOffset: place.physicalOffset,
      bornTimestamp,
      reconsumeTimes: 0,
      bodyCrc: protocol.bodyCrc32(Buffer.from('hello')),
    });
    expect(stored?.storeTimestamp).toBeGreaterThan(bornTimestamp);
    // A producer that gives no unique key is given one.
    expect(sent.transactionId).toBeTruthy();
    expect({ ...stored?.properties }).toMatchObject({
      TAGS: 'red',
      KEYS: 'k1 k2',
      own: 'ünïcode 玩家',
      UNIQ_KEY: sent.transactionId,
      CLUSTER: 'DefaultCluster',
      MSG_REGION: 'DefaultRegion',
      TRACE_ON: 'true',
    });
  });

  test('with the long names of the older command is the same', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const sent = await done(
      broker,
      commands.sendMessage,
      sendRequest(topic, 'hello', { properties: 'KEYS\u0001k\u0002' }),
    );
    const [stored] = await readQueue(topic, 0, { atLeast: 1 });
    expect(stored?.physicalOffset).toBe(protocol.decodeOffsetMessageId(sent.msgId).physicalOffset);
    expect(stored?.properties).toMatchObject({ KEYS: 'k' });
  });

  test('for any queue is put into one', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 2);
    const { queueId, queueOffset } = await done(
      broker,
      commands.sendMessageV2,
      sendRequest(topic, 'x', { queueId: -1 }),
    );
    expect([0, 1]).toContain(queueId);
    expect(queueOffset).toBe(0);
  });

  test('with a topic nobody has made makes it after its template', async () => {
    const broker = await openBroker();
    const topic = uniqueName('made-by-sending');
    await done(broker, commands.sendMessageV2, sendRequest(topic, 'x', { defaultTopicQueueNums: 3 }));
    const config = await done(broker, commands.getTopicConfig, { topic });
    expect(config).toMatchObject({ topicName: topic, readQueueNums: 3, writeQueueNums: 3, perm: 6 });

    const noTemplate = await ask(
      broker,
      commands.sendMessageV2,
      sendRequest(uniqueName('nowhere'), 'x', { defaultTopic: uniqueName('no-template') }),
    );
    expect(noTemplate.code).toBe(ResponseCode.TOPIC_NOT_EXIST);
  });

  test('of 4 MiB is taken; what is too much, empty, or out of place is refused and the connection goes on', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const send = (overrides: Parameters<typeof sendRequest>[2] & { body?: Buffer }, of = topic) =>
      ask(broker, commands.sendMessageV2, sendRequest(of, 'x', overrides));
    expect((await send({ body: Buffer.alloc(maxBodyBytes, 'x') })).code).toBe(ResponseCode.SUCCESS);

    const tooLong = Array.from({ length: 400 }, (_, i) => `k${i}\u0001${'v'.repeat(100)}\u0002`).join('');
    const refused = {
      'a body that is too large': await send({ body: Buffer.alloc(maxBodyBytes + 1, 'x') }),
      'properties that are too long': await send({ properties: tooLong }),
      'an empty body': await send({ body: Buffer.alloc(0) }),
      'a queue that does not exist': await send({ queueId: 1 }),
      'a topic that is no name': await send({}, 'no blanks allowed'),
      'a topic whose name is too long': await send({}, 'x'.repeat(128)),
      'a topic of the system': await send({}, 'SCHEDULE_TOPIC_XXXX'),
    };
    for (const [what, { remark }] of Object.entries(refused))
      expect([what, remark]).toEqual([what, expect.any(String)]);
    expect(Object.fromEntries(Object.entries(refused).map(([what, { code }]) => [what, code]))).toEqual({
      'a body that is too large': ResponseCode.MESSAGE_ILLEGAL,
      'properties that are too long': ResponseCode.MESSAGE_ILLEGAL,
      'an empty body': ResponseCode.SYSTEM_ERROR,
      'a queue that does not exist': ResponseCode.SYSTEM_ERROR,
      'a topic that is no name': ResponseCode.SYSTEM_ERROR,
      'a topic whose name is too long': ResponseCode.SYSTEM_ERROR,
      'a topic of the system': ResponseCode.NO_PERMISSION,
    });
    const after = await send({});
    expect(after.response()).toMatchObject({ queueOffset: 1 });
  });
});

describe('a batch', () => {
  test('is stored as single messages, one behind the other', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    await done(broker, commands.sendMessageV2, sendRequest(topic, 'before'));
    const keys = ['00'.repeat(16), '11'.repeat(16), '22'.repeat(16)];
    const body = protocol.encodeBatchBody(
      keys.map((UNIQ_KEY, i) => ({
        flag: i,
        body: Buffer.from(`m${i}`),
        properties: protocol.encodeProperties({ UNIQ_KEY, TAGS: `t${i}` }),
      })),
    );
    const sent = await done(
      broker,
      commands.sendBatchMessage,
      sendRequest(topic, '', { body, batch: true, properties: protocol.encodeProperties({ WAIT: 'true' }) }),
    );
    expect(sent.queueOffset).toBe(1);
    const stored = (await readQueue(topic, 0, { atLeast: 4 })).slice(1);
    expect(stored.map(({ body: text, queueOffset, flag }) => [text.toString(), queueOffset, flag])).toEqual([
      ['m0', 1, 0],
      ['m1', 2, 1],
      ['m2', 3, 2],
    ]);
    expect(stored.map(({ properties }) => [properties['UNIQ_KEY'], properties['TAGS']])).toEqual([
      [keys[0], 't0'],
      [keys[1], 't1'],
      [keys[2], 't2'],
    ]);
    expect(sent.msgId.split(',').map((id) => protocol.decodeOffsetMessageId(id).physicalOffset)).toEqual(
      stored.map(({ physicalOffset }) => physicalOffset),
    );
  });

  test('that is cut or garbage is refused whole', async () => {
    const broker = await openBroker();
    const topic = await makeTopic(broker, 1);
    const body = protocol.encodeBatchBody([{ flag: 0, body: Buffer.from('hello'), properties: '' }]);
    for (const broken of [
      body.subarray(0, body.length - 3),
      Buffer.from('this is not a batch'),
      Buffer.alloc(0),
    ]) {
      const answer = await ask(
        broker,
        commands.sendBatchMessage,
        sendRequest(topic, '', { body: broken, batch: true }),
      );
      expect(answer.code).not.toBe(ResponseCode.SUCCESS);
    }
    expect(await readQueue(topic, 0)).toEqual([]);
  });
});
