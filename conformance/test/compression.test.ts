import { eventually, protocol } from '@dt/testkit';
import { expect, test } from 'vitest';
import { createTopic, Received, startConsumer } from './support.ts';
import { commands, done, openBroker, sendRequest } from './wire.ts';

const { COMPRESSED, COMPRESSION_LZ4, COMPRESSION_ZSTD, COMPRESSION_ZLIB } = protocol.MessageSysFlag;

/** "hello", as the compressors of RocketMQ's Java client 5.3.0 write it. */
const hello = {
  lz4: { type: COMPRESSION_LZ4, body: 'BCJNGGBwcwUAAIBoZWxsbwAAAAA=' },
  zstd: { type: COMPRESSION_ZSTD, body: 'KLUv/QBYKAAAaGVsbG8BAAA=' },
  zlib: { type: COMPRESSION_ZLIB, body: 'eF7LSM3JyQcABiwCFQ==' },
};
/** 4 GiB of zeros in blocks of 128 KiB that are said, not held: 32768 times "as many zeros". */
const bomb = Buffer.concat([
  Buffer.from('28b52ffd0058', 'hex'),
  ...Array.from({ length: 32_768 }, (_, i) => Buffer.from(i === 32_767 ? '03001000' : '02001000', 'hex')),
]);

test('bodies compressed by other clients are read, whichever way, and one that explodes holds up nothing', async () => {
  const topic = await createTopic(1);
  const broker = await openBroker();
  const send = (body: Buffer, type: number): Promise<unknown> =>
    done(broker, commands.sendMessageV2, sendRequest(topic, body, { sysFlag: COMPRESSED | type }));
  await send(Buffer.from(hello.lz4.body, 'base64'), hello.lz4.type);
  await send(bomb, COMPRESSION_ZSTD);
  await send(Buffer.from(hello.zstd.body, 'base64'), hello.zstd.type);
  await send(Buffer.from(hello.zlib.body, 'base64'), hello.zlib.type);
  const received = new Received();
  const consumer = await startConsumer({
    subscriptions: [{ topic, expression: '*' }],
    handler: received.handler,
  });
  await eventually(() => received.messages.length >= 3);
  expect(received.bodies).toEqual(['hello', 'hello', 'hello']);
  await eventually(async () => {
    const lags = await consumer.lag();
    return lags.filter(({ queue }) => queue.topic === topic).every(({ lag }) => lag === 0);
  });
});
