import { eventually, uniqueName } from '@dt/testkit';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rocketmq } from '../support.ts';
import { changing, CLUSTER, reading } from './calls.ts';
import { openStage, program, type ProgramResult, runProgram, type Stage } from './stage.ts';

const page = new URL('../../../docs/reference/mqadmin.md', import.meta.url);
let stage: Stage;
let documented: Map<string, unknown>;

beforeAll(async () => {
  const chapters = (await readFile(page, 'utf8')).split(/^## /m);
  documented = new Map(
    chapters.flatMap((chapter) => {
      const block = /```json\n(.*?)\n```/s.exec(chapter)?.[1];
      return block === undefined ? [] : [[chapter.slice(0, chapter.indexOf('\n')), JSON.parse(block)]];
    }),
  );
  stage = await openStage(rocketmq.nameServer, rocketmq.brokerAddress);
});
afterAll(() => stage?.[Symbol.asyncDispose]());

function mqadmin(...args: string[]): Promise<ProgramResult> {
  return runProgram(rocketmq.nameServer, args);
}

/** Names of the keys under these differ from call to call. */
const maps = new Set(['figures', 'settings', 'properties', 'attributes', 'result']);

/** Where there is a value of which type, as `[].queues[].diff: number`; the elements of a list count as one. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [...new Set(value.flatMap((entry) => shapeOf(entry, `${path}[]`)))];
  if (value === null || typeof value !== 'object')
    return [`${path}: ${value === null ? 'null' : typeof value}`];
  const key = /\.(\w+)$/.exec(path)?.[1] ?? '';
  if (maps.has(key))
    return [...new Set(Object.values(value).flatMap((entry) => shapeOf(entry, `${path}.*`)))];
  return Object.entries(value).flatMap(([name, entry]) => shapeOf(entry, `${path}.${name}`));
}

/** What is sometimes not there, and then null, is the same place. */
function placesOf(shape: readonly string[]): string[] {
  return [...new Set(shape.map((place) => place.replace(/: .*/, '')))]
    .filter((place) => !place.endsWith('.*'))
    .sort();
}

describe('--json has the documented shape', () => {
  const own = uniqueName('own');

  test('of every command', () => {
    expect([...reading, ...changing].map(([name]) => name).sort()).toEqual([...documented.keys()].sort());
  });

  test.concurrent.each(reading)('%s', (name, argsOf) => check(name, argsOf({ ...stage, own })));

  test.each(changing)('%s', async (name, argsOf) => {
    await check(name, argsOf({ ...stage, own }));
    // A real broker can crash when a topic is deleted milliseconds after a message was stored in it.
    if (name === 'printMsg') await new Promise((resolve) => setTimeout(resolve, 1_500));
  });

  async function check(name: string, args: readonly string[]): Promise<void> {
    const { code, stdout, stderr } = await mqadmin(name, ...args, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const shape = shapeOf(JSON.parse(stdout));
    const promised = shapeOf(documented.get(name));
    expect(placesOf(shape)).toEqual(placesOf(promised));
    const kept = shape.filter((place) => !place.endsWith(': null') && !place.includes('.*'));
    for (const place of kept) {
      const path = place.replace(/: .*/, '');
      // Documented with another type only where the example has null.
      expect(promised.includes(place) || promised.includes(`${path}: null`), place).toBe(true);
    }
  }
});

describe('a fault', () => {
  test.concurrent.each<[string, (stage: Stage) => string[], string]>([
    [
      'an unknown topic',
      () => ['topicStatus', '-t', 'no-such-topic'],
      'there is no topic no-such-topic; topicList shows those there are',
    ],
    [
      'a misspelt topic',
      ({ topic }) => ['resetOffsetByTime', '-g', 'x', '-t', `${topic}s`, '-s', 'now'],
      '; did you mean orders',
    ],
    ['a misspelt group', ({ group }) => ['consumerConnection', '-g', `${group}s`], '; did you mean billing'],
    [
      'an unknown cluster',
      () => ['updateTopic', '-c', 'Nope', '-t', 'x'],
      `the NameServer knows: ${CLUSTER}`,
    ],
    [
      'an unknown group',
      () => ['consumerProgress', '-g', 'no-such-group'],
      'no member of a consumer group no-such-group was ever online; consumerProgress shows those there are',
    ],
    [
      'a group of which nobody is online',
      ({ topic }) => ['producerConnection', '-g', 'nobody', '-t', topic],
      'is online',
    ],
    ['an unknown id', ({ topic }) => ['queryMsgById', '-t', topic, '-i', 'nosuch'], 'has the id nosuch'],
    ['an unknown key', ({ topic }) => ['queryMsgByKey', '-t', topic, '-k', 'nosuch'], 'has the key nosuch'],
    [
      'an offset behind the end',
      ({ topic }) => ['queryMsgByOffset', '-t', topic, '-b', 'broker-a', '-i', '0', '-o', '999'],
      'has no message at offset 999',
    ],
    [
      'a queue that is not there',
      ({ topic }) => ['sendMessage', '-t', topic, '-p', 'x', '-b', 'broker-a', '-i', '99'],
      'no writable queue 99',
    ],
  ])('is %s', async (_, argsOf, hint) => {
    const { code, stdout, stderr } = await mqadmin(...argsOf(stage));
    expect(stderr).toContain(hint);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  });
});

test('a setting that no broker has is refused by the name of the nearest', async () => {
  const args = ['updateBrokerConfig', '-b', rocketmq.brokerAddress, '-k', 'defaultTopicQueueNum', '-v', '4'];
  const { code, stderr } = await mqadmin(...args);
  expect(stderr).toContain('did you mean defaultTopicQueueNums?');
  expect(code).toBe(2);
});

test('a message is sent to the queue that is named, and sent once more by its id', async () => {
  const topic = uniqueName('topic');
  await stage.admin.createTopic({ topic, readQueueNums: 2, writeQueueNums: 2 });
  const sent = await mqadmin(
    'sendMessage',
    '-t',
    topic,
    '-p',
    'héllo',
    '-c',
    'T',
    '-k',
    'k1 k2',
    '-b',
    'broker-a',
    '-i',
    '1',
    '--json',
  );
  const { messageId, queueId } = JSON.parse(sent.stdout) as { messageId: string; queueId: number };
  expect(queueId).toBe(1);
  const resend = async (): Promise<ProgramResult> => {
    const again = await mqadmin('queryMsgById', '-t', topic, '-i', messageId, '-s', 'true');
    return again;
  };
  await eventually(async () => (await resend()).code === 0);
  const copies = await eventually(async () => {
    const found = await stage.admin.messagesByKey(topic, 'k2');
    return found.length >= 2 && found;
  });
  expect(copies.map(({ body, tag, keys }) => [body.toString(), tag, keys])).toContainEqual([
    'héllo',
    'T',
    ['k1', 'k2'],
  ]);
  expect(new Set(copies.map((copy) => copy.messageId)).size).toBe(copies.length);
});

test('a member of a group is asked what it does, and handles a stored message when told to', async () => {
  const { group, topic, sent } = stage;
  const list = await mqadmin('consumerStatus', '-g', group, '--json');
  const { members } = JSON.parse(list.stdout) as { members: { clientId: string }[] };
  const clientId = members[0]?.clientId ?? '';
  const whole = await mqadmin('consumerStatus', '-g', group, '-i', clientId, '-s');
  for (const title of ['Properties', 'Subscription', 'Offset', 'MQ Detail', 'RT&TPS', 'jstack'])
    expect(whole.stdout).toContain(`#Consumer ${title}#`);
  expect(whole.stdout).toContain(topic);
  const unknown = await mqadmin('consumerStatus', '-g', group, '-i', 'nobody');
  expect(unknown).toMatchObject({ code: 1, stdout: '' });
  expect(unknown.stderr).toContain(`online are: ${clientId}`);
  const pushed = await mqadmin(
    ...['queryMsgByUniqueKey', '-t', topic, '-i', sent[2]?.messageId ?? '', '-g', group, '-d', clientId],
  );
  expect(pushed.stdout).toContain('consumeResult=CR_SUCCESS');
  expect(pushed.code).toBe(0);
});

test('an interrupted command says so and ends with 130', async () => {
  const env = { ...process.env, NAMESRV_ADDR: rocketmq.nameServer };
  const child = spawn(process.execPath, [program, 'clusterList', '-i', '60'], { env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise((resolve) => child.once('close', resolve));
  await eventually(() => stdout.includes(rocketmq.brokerAddress));
  child.kill('SIGINT');
  expect(await exited).toBe(130);
  expect(stderr).toBe('mqadmin: interrupted\n');
});

test('a reader that has seen enough is no fault', async () => {
  const env = { ...process.env, NAMESRV_ADDR: rocketmq.nameServer };
  const child = spawn(process.execPath, [program, 'getBrokerConfig', '-c', CLUSTER], { env });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(0);
  expect(stderr).toBe('');
});
