import { protocol, uniqueName } from '@dt/testkit';
import { describe, expect, test } from 'vitest';
import { ask, awaitStored, commands, done, makeTopic, openBroker, pullRequest, sendRequest } from './wire.ts';

const KIB = 1024;
/** What a message may have of properties, those of the broker included. */
const MOST_BYTES = 32_767;

/** Sends one message with these properties; its code, and how it lies in its queue. */
async function sent(properties: Record<string, string>, body = 'x') {
  const broker = await openBroker();
  const topic = await makeTopic(broker, 1);
  const request = sendRequest(topic, body, { properties: protocol.encodeProperties(properties) });
  const { code } = await ask(broker, commands.sendMessageV2, request);
  if (code !== 0) return { broker, topic, code, message: undefined };
  await awaitStored(broker, topic, 0, 1);
  const pulled = await done(broker, commands.pullMessage, pullRequest(topic));
  return { broker, topic, code, message: protocol.decodeStoredMessages(pulled.body)[0] };
}

describe('texts of a message', () => {
  test.each([
    ['of other scripts', '玩家 ünïcode ελληνικά'],
    ['beyond the first plane', '😱🀄🐉🐅'],
    ['with blanks at their ends', '  a b  '],
    ['with a character nobody sees', 'a\u0000b\u200b'],
    ['of lines', 'a\nb\r\nc\t'],
  ])('%s come as they were sent: body, tag, keys and properties', async (_, text) => {
    // Blanks alone part keys.
    const key = text.split(' ').find((part) => part !== '') ?? '';
    const { broker, topic, message } = await sent({ TAGS: text, KEYS: text, own: text }, text);
    expect(message?.body.toString()).toBe(text);
    expect(message?.properties).toMatchObject({ TAGS: text, KEYS: text, own: text });
    const range = { maxNum: 8, beginTimestamp: 0, endTimestamp: Date.now() + 60_000 };
    const { response } = await ask(broker, commands.queryMessage, { ...range, topic, key });
    expect(protocol.decodeStoredMessages(response().body)).toHaveLength(1);
    // The hash of a tag is that of its text, whatever its script; what is subscribed to is cut at its ends.
    const wanted = await ask(broker, commands.pullMessage, pullRequest(topic, { subscription: text }));
    expect(wanted.code).toBe(text === text.trim() ? 0 : 20);
  });

  test.each(['TAGS', 'KEYS', 'own'])('may be long: %s of 16 KiB', async (name) => {
    const text = 'v'.repeat(16 * KIB);
    expect((await sent({ [name]: text })).message?.properties[name]).toBe(text);
  });

  test('are counted in bytes and together with those of the broker', async () => {
    const uniqueKey = uniqueName('key');
    const small = await sent({ UNIQ_KEY: uniqueKey, own: '玩' });
    const taken = Buffer.byteLength(protocol.encodeProperties(small.message?.properties ?? {}));
    const room = Math.floor((MOST_BYTES - taken) / 3);
    expect((await sent({ UNIQ_KEY: uniqueKey, own: '玩'.repeat(room + 1) })).code).toBe(0);
    expect((await sent({ UNIQ_KEY: uniqueKey, own: '玩'.repeat(room + 3) })).code).toBe(13);
  });
});

test('tags are told apart by case, and several are chosen with blanks between them or without', async () => {
  const broker = await openBroker();
  const topic = await makeTopic(broker, 1);
  const tags = ['red', 'Red', 'blue', ''];
  for (const tag of tags) {
    const properties = tag === '' ? '' : protocol.encodeProperties({ TAGS: tag });
    await done(broker, commands.sendMessageV2, sendRequest(topic, tag || 'none', { properties }));
  }
  await awaitStored(broker, topic, 0, tags.length);
  for (const [subscription, expected] of [
    ['red', ['red']],
    ['red||blue', ['red', 'blue']],
    ['  red  ||   Red ', ['red', 'Red']],
    ['green', []],
    ['*', ['red', 'Red', 'blue', 'none']],
    ['', ['red', 'Red', 'blue', 'none']],
  ] as const) {
    const answer = await ask(broker, commands.pullMessage, pullRequest(topic, { subscription }));
    const messages = protocol.decodeStoredMessages(answer.response().body);
    expect([subscription, messages.map(({ body }) => body.toString())]).toEqual([subscription, expected]);
  }
});
