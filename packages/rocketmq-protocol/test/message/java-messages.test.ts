import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  createUniqueKeyFactory,
  decodeBatchBody,
  decodeOffsetMessageId,
  decodeProperties,
  decodeStoredMessages,
  encodeBatchBody,
  encodeIp,
  encodeOffsetMessageId,
  encodeProperties,
  encodeStoredMessage,
  javaStringHashCode,
  queueIndexByHash,
} from '@dt/rocketmq-protocol';

type Texts = Record<string, string>;

/**
 * Made by a program with rocketmq-common and -client 5.3.0: String.hashCode with SelectMessageQueueByHash of seven
 * queues; MessageDecoder.messageProperties2String, string2messageProperties, encodeMessages, encode, decode and
 * createMessageId; and MessageClientIDSetter.getIPStrFromID, getPidFromID and getNearlyTimeFromID for two ids that
 * `createUniqueKeyFactory` made.
 */
const java = JSON.parse(readFileSync(new URL('./java-messages.json', import.meta.url), 'utf8')) as {
  hashes: { text: string; hash: number; queueOf7: number }[];
  properties: { text: string; properties: Texts }[];
  batch: { body: string; messages: { flag: number; body: string; properties: Texts }[] };
  stored: {
    bytes: string;
    host: string;
    sysFlag: number;
    bodyInStore: string;
    offsetMessageId: string;
    properties: Texts;
  }[];
  uniqueIds: { id: string; ip: string; pid: number; nearlyTime: string }[];
};

describe('what Java makes of the same', () => {
  it.each(java.hashes)('hash and queue of $text', ({ text, hash, queueOf7 }) => {
    expect(javaStringHashCode(text)).toBe(hash);
    expect(queueIndexByHash(javaStringHashCode(text), 7)).toBe(queueOf7);
  });

  it.each(java.properties)('properties of $text', ({ text, properties }) => {
    expect({ ...decodeProperties(text) }).toEqual(properties);
    // Java writes a separator within a value as it is; here it is refused.
    const isSafe = !Object.values(properties).some((value) => value.includes('\u0001'));
    if (isSafe) expect({ ...decodeProperties(encodeProperties(properties)) }).toEqual(properties);
    else expect(() => encodeProperties(properties)).toThrow(/U\+0001/);
  });

  it('batch bodies', () => {
    const body = Buffer.from(java.batch.body, 'hex');
    const read = decodeBatchBody(body);
    expect(
      read.map(({ flag, body: of, propertiesText }) => ({
        ...{ flag, body: of.toString('hex'), properties: { ...decodeProperties(propertiesText) } },
      })),
    ).toEqual(java.batch.messages);
    const again = read.map(({ propertiesText, ...rest }) => ({ ...rest, properties: propertiesText }));
    expect(encodeBatchBody(again)).toEqual(body);
  });

  it.each(java.stored)('stored messages of $host with flags $sysFlag', (stored) => {
    const bytes = Buffer.from(stored.bytes, 'hex');
    const [message, ...others] = decodeStoredMessages(bytes);
    if (message === undefined) throw new Error('no message was read');
    expect(others).toEqual([]);
    const { storeHost, bornHost, physicalOffset } = message;
    expect([storeHost.port, bornHost.port]).toEqual([10911, 5000]);
    expect([storeHost.ip, bornHost.ip]).toEqual([stored.host, stored.host]);
    expect(message).toMatchObject({
      ...{ topic: 'Topic-1', queueId: 2, flag: 3, queueOffset: 77, physicalOffset: 123456789012 },
      ...{ sysFlag: stored.sysFlag, bornTimestamp: 1700000000001, storeTimestamp: 1700000000002 },
      ...{ reconsumeTimes: 4, preparedTransactionOffset: 55 },
    });
    expect(message.body.toString('hex')).toBe(stored.bodyInStore);
    const isCompressed = (stored.sysFlag & 1) === 1;
    const text = (isCompressed ? inflateSync(message.body) : message.body).toString();
    expect(text).toBe('stored body ä stored body stored body');
    expect({ ...message.properties }).toEqual(stored.properties);
    expect(encodeOffsetMessageId({ storeHost, physicalOffset })).toBe(stored.offsetMessageId);
    expect(decodeOffsetMessageId(stored.offsetMessageId)).toEqual({ storeHost, physicalOffset });
    const again = encodeStoredMessage(message);
    expect(decodeStoredMessages(again)).toEqual([{ ...message, bodyCrc: expect.any(Number) as number }]);
    expect(again.length).toBe(bytes.length);
  });

  it.each(java.uniqueIds)('unique id $id', ({ id, ip, pid, nearlyTime }) => {
    // Without a zone it is local time, and so is the month in the id.
    const options = { ip, pid, instance: 12345, now: () => new Date(nearlyTime).getTime() };
    const next = createUniqueKeyFactory(options);
    next();
    expect(next()).toBe(id);
    expect(id.startsWith(encodeIp(ip).toString('hex').toUpperCase())).toBe(true);
  });
});
