import { eventually, protocol, uniqueName } from '@dt/testkit';
import { expect, test } from 'vitest';
import {
  ask,
  awaitStored,
  commands,
  done,
  makeTopic,
  openBroker,
  pullRequest,
  sendRequest,
  readQueue,
} from './wire.ts';

/** A real one counts together every ten seconds. */
const WITHIN = { timeoutMs: 40_000, intervalMs: 500 };

test('a broker tells what went in and out, by topic, by group and of itself', async () => {
  const broker = await openBroker();
  const [topic, group] = [await makeTopic(broker, 1), uniqueName('group')];
  const sumOf = async (statsName: string, statsKey: string): Promise<number | undefined> => {
    const answer = await ask(broker, commands.viewBrokerStatsData, { statsName, statsKey });
    if (answer.code !== 0) {
      expect([answer.code, answer.remark]).toEqual([1, `The stats <${statsName}> <${statsKey}> not exist`]);
      return undefined;
    }
    const { minute } = answer.response();
    expect(minute.tps > 0).toBe(minute.sum > 0);
    return minute.sum;
  };
  expect(await sumOf('TOPIC_PUT_NUMS', topic)).toBeUndefined();
  expect(await sumOf('nothing', topic)).toBeUndefined();

  for (const body of ['a', 'b', 'c']) await done(broker, commands.sendMessageV2, sendRequest(topic, body));
  const batch = protocol.encodeBatchBody(
    ['d', 'e'].map((body) => ({ flag: 0, body: Buffer.from(body), properties: {} })),
  );
  await done(broker, commands.sendBatchMessage, sendRequest(topic, batch, { batch: true }));
  await awaitStored(broker, topic, 0, 5);
  const pull = pullRequest(topic, { consumerGroup: group });
  const pulled = await done(broker, commands.pullMessage, pull);
  const messages = protocol.decodeStoredMessages(pulled.body);
  expect(messages).toHaveLength(5);
  await done(broker, commands.consumerSendMessageBack, {
    ...{ offset: messages[0]?.physicalOffset ?? 0, group, delayLevel: 1, originTopic: topic },
  });
  // Delivered: the retry counts where it comes, too.
  const retry = protocol.retryTopic(group);
  await readQueue(retry, 0, { atLeast: 1 });

  const sizeBytes = messages.reduce((sum, message) => sum + message.sizeBytes, 0);
  const expected: [string, string, number][] = [
    ['TOPIC_PUT_NUMS', topic, 5],
    ['TOPIC_PUT_SIZE', topic, sizeBytes],
    ['TOPIC_PUT_NUMS', retry, 1],
    ['GROUP_GET_NUMS', `${topic}@${group}`, 5],
    ['GROUP_GET_SIZE', `${topic}@${group}`, sizeBytes],
    ['SNDBCK_PUT_NUMS', `${topic}@${group}`, 1],
  ];
  const found = async (): Promise<[string, string, number | undefined][]> =>
    Promise.all(expected.map(async ([name, key]) => [name, key, await sumOf(name, key)]));
  await eventually(
    async () => (await found()).every(([, , sum], i) => (sum ?? 0) >= (expected[i]?.[2] ?? 0)),
    WITHIN,
  );
  expect(await found()).toEqual(expected);
  const { response } = await ask(broker, commands.viewBrokerStatsData, {
    ...{ statsName: 'TOPIC_PUT_NUMS', statsKey: topic },
  });
  // Four requests have put five messages; in an hour it is not counted together yet.
  expect(response().minute.averagePerTime).toBe(5 / 4);
  for (const name of ['BROKER_PUT_NUMS', 'BROKER_GET_NUMS'])
    expect(await sumOf(name, 'DefaultCluster')).toBeGreaterThanOrEqual(5);
});
