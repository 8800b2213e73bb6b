import { uniqueName } from '@dt/testkit';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rocketmq } from '../support.ts';
import { changing, CLUSTER, reading } from './calls.ts';
import { openStage, runHere, type Stage } from './stage.ts';

const page = await readFile(new URL('../../../docs/reference/mqadmin.md', import.meta.url), 'utf8');
const names = new Set([...reading, ...changing].map(([name]) => name));
const examples = page
  .split(/^## /m)
  .filter((chapter) => names.has(chapter.slice(0, chapter.indexOf('\n'))))
  .flatMap((chapter) => /```sh\n(.*?)\n```/s.exec(chapter)?.[1]?.split('\n') ?? []);

let stage: Stage;
let clientId: string;
let settings: Record<string, string>;

beforeAll(async () => {
  stage = await openStage(rocketmq.nameServer, rocketmq.brokerAddress);
  const online = await stage.admin.consumerConnections(stage.group);
  clientId = online?.connections[0]?.clientId ?? '';
  // The broker is that of other tests, too.
  const { fileReservedTime = '', flushDiskType = '' } = await stage.admin.brokerConfig(
    rocketmq.brokerAddress,
  );
  settings = { fileReservedTime, flushDiskType };
});
afterAll(async () => {
  await stage?.admin.updateBrokerConfig(rocketmq.brokerAddress, settings);
  await stage?.[Symbol.asyncDispose]();
});

/** Words as a shell gives them to the program; what the output goes to is left out. */
function wordsOf(line: string): string[] {
  const [call = ''] = line.split(' | ');
  return [...call.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/** What the page calls by a name of its own, as it is called here. */
function here(words: readonly string[]): string[] {
  const { topic, group, producerGroup, brokerAddress, sent } = stage;
  const own: Readonly<Record<string, string>> = {
    ...{ dt_settle: topic, 'game-consumer': group, dt_producer: producerGroup },
    ...{ fifo: uniqueName('fifo'), old_topic: `${topic}_old`, 'old-consumer': `${group}-old` },
    ...{ '127.0.0.1:10911': brokerAddress, '10.0.0.7@4711#c0ffee': clientId },
    ...{ 'B123:1:order_settled': 'key-3', '17': '0' },
    '7F000001000079A700000000000002C4': sent[3]?.offsetMessageId ?? '',
    C00002024AC72C38381271C822780004: sent[3]?.messageId ?? '',
  };
  return words.map((word) => own[word] ?? word);
}

test('there are examples of every command', () => {
  expect(new Set(examples.map((line) => line.split(' ')[1]))).toEqual(names);
});

// One after the other, in the order of the page: one ends by an interrupt, which all would hear.
test.each(examples)('%s', async (line) => {
  const [program, ...words] = wordsOf(line);
  expect(program).toBe('mqadmin');
  const args = here(words);
  if (args[0] === 'deleteTopic') await stage.admin.createTopic({ topic: `${stage.topic}_old` });
  if (args[0] === 'deleteSubGroup')
    await stage.admin.createSubscriptionGroup({ group: `${stage.group}-old`, clusterName: CLUSTER });
  const isEndless = args.includes('-i') && args[0] === 'clusterList';
  if (isEndless) setTimeout(() => process.emit('SIGINT'), 1_000);
  const { code, stdout, stderr } = await runHere(rocketmq.nameServer, args);
  expect({ code, stderr }).toEqual(
    isEndless ? { code: 130, stderr: 'mqadmin: interrupted\n' } : { code: 0, stderr: '' },
  );
  expect(stdout).not.toBe('');
});
