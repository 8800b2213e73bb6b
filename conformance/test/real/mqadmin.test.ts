import { eventually, JavaMqadmin, startBroker, uniqueName } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rocketmq } from '../support.ts';
import { changing as changingCalls, CLUSTER, reading as readingCalls } from '../mqadmin/calls.ts';
import { comparable, comparableSet } from '../mqadmin/comparable.ts';
import { openStage, runHere, type Stage } from '../mqadmin/stage.ts';

interface Comparison {
  /** What makes the two outputs comparable. @default their lines, without an order */
  as?: (output: string, names: Readonly<Record<string, string>>) => unknown;
  args: (stage: Stage) => string[];
}

type Outcome = { java: unknown; ours: unknown };

/** Other tests make topics and groups meanwhile. */
function ownLines(output: string, names: Readonly<Record<string, string>>): string[] {
  return comparableSet(output, names).filter((line) => /TOPIC|GROUP|^#/.test(line));
}

/** Figures move between two calls; what they are called does not. */
function withoutNumbers(output: string, names: Readonly<Record<string, string>>): string[] {
  return comparableSet(output, names).map((line) => line.replaceAll(/\d+(?:\.\d+)?/g, 'N'));
}

/** `name : value` or `name =  value`: the names. */
function namesOnly(output: string): string[] {
  return comparable(output)
    .map((columns) =>
      columns
        .slice(0, columns[0] === 'ADDRESS' ? 2 : 1)
        .join(' ')
        .replace(/[:=]+$/, ''),
    )
    .sort();
}

/** A message, field by field; the order in a map means nothing, nor where the body was written. */
function message(output: string, names: Readonly<Record<string, string>>): unknown {
  return comparable(output, names).map((columns) => {
    const line = columns.join(' ').replace(/^(Message Body Path:).*/, '$1');
    const map = /\{(.*)\}/.exec(line)?.[1];
    // Java's pull consumer adds the ends of the queue to what it gives.
    const entries = map?.split(', ').filter((entry) => !/^(MIN|MAX)_OFFSET=/.test(entry));
    return map === undefined ? line : line.replace(map, entries?.sort().join(', ') ?? '');
  });
}

/** Each printed message without the array of its bytes, queue by queue in any order. */
function printed(output: string): string[] {
  return output
    .split('\n')
    .map((line) =>
      line.replace(/, body=\[.*?\], transactionId='\w*'\}/, '}').replaceAll(/(MIN|MAX)_OFFSET=\d+(, )?/g, ''),
    )
    .map((line) =>
      line.replace(/properties=\{(.*)\}\}\]/, (_, map: string) =>
        map.split(', ').filter(Boolean).sort().join(),
      ),
    )
    .filter((line) => !/^-*$/.test(line))
    .sort();
}

function route(output: string): unknown {
  const document = JSON.parse(output.replaceAll(/([{,]\s*)(\d+):/g, '$1"$2":')) as Record<string, unknown>;
  return { brokerDatas: document['brokerDatas'], queueDatas: document['queueDatas'] };
}

/** `now` is another time for each of the two. */
function reset(output: string, names: Readonly<Record<string, string>>): string[] {
  return comparableSet(output.replaceAll(/timestamp\((?:string|long)\)\[.*?\]/g, ''), names);
}

/** Which queue goes to whom depends on the order of a hash in Java; how many each gets does not. */
function shares(output: string): unknown {
  const { result } = JSON.parse(output) as { result: Record<string, unknown[]> };
  return Object.entries(result)
    .map(([client, queues]) => [client, queues.length])
    .sort();
}

/** The rate of consumption is another one in each moment. */
function groups(output: string, names: Readonly<Record<string, string>>): string[] {
  return ownLines(output, names).map((line) => line.replace(/ \| \d+ \| (\d+)$/, ' | TPS | $1'));
}

function progress(output: string, names: Readonly<Record<string, string>>): string[] {
  return comparableSet(output.replace(/(Consume TPS:\s*)[\d.]+/, '$1N'), names);
}

const reading: Record<string, Comparison> = {
  topicList: { args: () => ['topicList'], as: ownLines },
  'topicList -c': { args: () => ['topicList', '-c'], as: ownLines },
  topicStatus: { args: ({ topic }) => ['topicStatus', '-t', topic] },
  'topicStatus -c': { args: ({ topic }) => ['topicStatus', '-t', topic, '-c', CLUSTER] },
  topicRoute: { args: ({ topic }) => ['topicRoute', '-t', topic], as: route },
  'topicRoute -l': { args: ({ topic }) => ['topicRoute', '-t', topic, '-l'] },
  topicClusterList: { args: ({ topic }) => ['topicClusterList', '-t', topic] },
  consumerProgress: { args: () => ['consumerProgress'], as: groups },
  'consumerProgress -g': { args: ({ group }) => ['consumerProgress', '-g', group], as: progress },
  'consumerProgress -t': {
    args: ({ group, topic }) => ['consumerProgress', '-g', group, '-t', topic],
    as: progress,
  },
  'consumerProgress -s': {
    args: ({ group }) => ['consumerProgress', '-g', group, '-s', 'true'],
    as: progress,
  },
  consumerStatus: {
    args: ({ group }) => ['consumerStatus', '-g', group],
    // Each writes its files elsewhere.
    as: (output, names) => comparable(output.replaceAll(/ \S+\/\S+$/gm, ' FILE'), names),
  },
  consumerConnection: { args: ({ group }) => ['consumerConnection', '-g', group] },
  producerConnection: {
    args: ({ producerGroup, topic }) => ['producerConnection', '-g', producerGroup, '-t', topic],
  },
  clusterList: { args: () => ['clusterList'], as: withoutNumbers },
  'clusterList -m': { args: () => ['clusterList', '-m', '-c', CLUSTER], as: withoutNumbers },
  brokerStatus: { args: ({ brokerAddress }) => ['brokerStatus', '-b', brokerAddress], as: namesOnly },
  'brokerStatus -c': { args: () => ['brokerStatus', '-c', CLUSTER], as: namesOnly },
  getBrokerConfig: { args: ({ brokerAddress }) => ['getBrokerConfig', '-b', brokerAddress] },
  'getBrokerConfig -c': { args: () => ['getBrokerConfig', '-c', CLUSTER] },
  queryMsgById: {
    args: ({ topic, sent }) => ['queryMsgById', '-t', topic, '-i', sent[3]?.offsetMessageId ?? ''],
    as: message,
  },
  'queryMsgById -f': {
    args: ({ topic, sent }) => ['queryMsgById', '-t', topic, '-i', sent[4]?.messageId ?? '', '-f', 'UTF-8'],
    as: message,
  },
  queryMsgByKey: { args: ({ topic }) => ['queryMsgByKey', '-t', topic, '-k', topic], as: comparable },
  queryMsgByUniqueKey: {
    args: ({ topic, sent }) => ['queryMsgByUniqueKey', '-t', topic, '-i', sent[5]?.messageId ?? ''],
    as: message,
  },
  'queryMsgByUniqueKey -a': {
    args: ({ topic, sent }) => ['queryMsgByUniqueKey', '-t', topic, '-i', sent[5]?.messageId ?? '', '-a'],
    as: message,
  },
  queryMsgByOffset: {
    args: ({ topic }) => [
      'queryMsgByOffset',
      '-t',
      topic,
      '-b',
      'broker-a',
      '-i',
      '2',
      '-o',
      '0',
      '-f',
      'UTF-8',
    ],
    as: message,
  },
  printMsg: { args: ({ topic }) => ['printMsg', '-t', topic], as: printed },
  'printMsg -s': { args: ({ topic }) => ['printMsg', '-t', topic, '-s', 'A', '-d', 'false'], as: printed },
  allocateMQ: {
    args: ({ topic }) => ['allocateMQ', '-t', topic, '-i', '10.0.0.1,10.0.0.2,10.0.0.3'],
    as: shares,
  },
};

/** Commands that change something, each on a topic and a group of its own. */
const changing: Record<string, { as?: Comparison['as']; args: (own: string, stage: Stage) => string[] }[]> = {
  'updateTopic and deleteTopic': [
    { args: (own) => ['updateTopic', '-c', CLUSTER, '-t', own, '-r', '3', '-w', '2', '-p', '6'] },
    { args: (own) => ['topicRoute', '-t', own], as: route },
    {
      args: (own, { brokerAddress }) => [
        'updateTopic',
        '-b',
        brokerAddress,
        '-t',
        own,
        '-o',
        'true',
        '-u',
        'true',
      ],
    },
    { args: (own) => ['topicRoute', '-t', own], as: route },
    { args: (own) => ['topicStatus', '-t', own] },
    { args: (own) => ['deleteTopic', '-c', CLUSTER, '-t', own] },
  ],
  'updateSubGroup and deleteSubGroup': [
    {
      args: (own) => [
        ...['updateSubGroup', '-c', CLUSTER, '-g', own, '-r', '5', '-q', '2', '-d', 'true', '-i', '1'],
        ...[
          '-p',
          '{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":1000,"max":60000,"multiplier":3}}',
        ],
      ],
    },
    { args: (own, { brokerAddress }) => ['deleteSubGroup', '-b', brokerAddress, '-g', own, '-r', 'true'] },
    {
      args: (own, { brokerAddress }) => [
        ...['updateSubGroup', '-b', brokerAddress, '-g', own, '-s', 'false'],
        ...['-p', '{"type":"CUSTOMIZED","customizedRetryPolicy":{"next":[1000,5000,10000]}}'],
      ],
    },
    { args: (own) => ['deleteSubGroup', '-c', CLUSTER, '-g', own] },
  ],
  'resetOffsetByTime and skipAccumulatedMessage': [
    { args: (own) => ['updateSubGroup', '-c', CLUSTER, '-g', own] },
    { args: (own, { topic }) => ['resetOffsetByTime', '-g', own, '-t', topic, '-s', '1'], as: reset },
    { args: (own, { topic }) => ['resetOffsetByTime', '-g', own, '-t', topic, '-s', 'now'], as: reset },
    {
      args: (own, { topic, brokerAddress }) => [
        ...['resetOffsetByTime', '-g', own, '-t', topic, '-s', 'now'],
        ...['-b', brokerAddress, '-q', '1', '-o', '1'],
      ],
      as: reset,
    },
    { args: (own, { topic }) => ['skipAccumulatedMessage', '-g', own, '-t', topic] },
  ],
  sendMessage: [
    {
      args: (_, { topic }) => [
        'sendMessage',
        '-t',
        topic,
        '-p',
        'hello',
        '-c',
        'C',
        '-k',
        'late',
        '-b',
        'broker-a',
        '-i',
        '1',
      ],
    },
  ],
  updateBrokerConfig: [
    {
      args: (_, { brokerAddress }) => [
        'updateBrokerConfig',
        '-b',
        brokerAddress,
        '-k',
        'defaultTopicQueueNums',
        '-v',
        '8',
      ],
    },
  ],
};

async function compare(
  java: JavaMqadmin,
  stage: Stage,
  args: readonly [java: string[], ours: string[]],
  names: readonly [java: Record<string, string>, ours: Record<string, string>],
  as: NonNullable<Comparison['as']> = comparableSet,
): Promise<Outcome> {
  const [theirs, mine] = await Promise.all([java.run(args[0]), runHere(stage.nameServer, args[1])]);
  if (theirs.failure !== '' || mine.code !== 0)
    throw new Error(
      `${args[1].join(' ')}: Java ${theirs.failure || 'went well'}; ours ${mine.code} ${mine.stderr}`,
    );
  expect(theirs.output.trim()).not.toBe('');
  return { java: as(theirs.output, names[0]), ours: as(mine.stdout, names[1]) };
}

test('what differs between two runs and means nothing is masked', () => {
  const output =
    '#A    #B\n\n10.0.0.1:10911  7F000001000079A700000000000002C4  2026-11-23 02:15:41,752  c@1#2 orders \n';
  expect(comparable(output, { TOPIC: 'orders' })).toEqual([
    ['#A', '#B'],
    ['ADDRESS', 'ID', 'TIME', 'CLIENT', 'TOPIC'],
  ]);
});

/** Each as `short long takesValue`, from the help of a command. */
async function ourFlags(command: string): Promise<string[]> {
  const { stdout } = await runHere('unused:1', [command, '--help']);
  return [...stdout.matchAll(/^ {2}(?:-(\w), )?--(\w+)( <)?/gm)].map(
    ([, short, long, value]) => `${short ?? null} ${long} ${value !== undefined}`,
  );
}

describe("every flag of RocketMQ's own mqadmin", () => {
  let java: JavaMqadmin;
  beforeAll(async () => {
    java = await JavaMqadmin.start(rocketmq.nameServer);
  });
  afterAll(() => java?.[Symbol.asyncDispose]());

  test.each([...readingCalls, ...changingCalls].map(([name]) => name))('is one of our %s', async (name) => {
    const [theirs, ours] = [await java.flags(name), await ourFlags(name)];
    expect(theirs.length).toBeGreaterThan(2);
    expect(ours).toEqual(expect.arrayContaining(theirs));
    // Those we have beside them have long names only, which no later flag of theirs can be taken for.
    expect(ours.filter((flag) => !theirs.includes(flag) && !flag.startsWith('null '))).toEqual([]);
  });
});

describe.each(['real', 'embedded'] as const)(
  "RocketMQ's own mqadmin and ours say the same of the %s broker",
  (target) => {
    let stage: Stage;
    let java: JavaMqadmin;
    let stop: () => Promise<void> = async () => undefined;

    beforeAll(async () => {
      const own = target === 'real' ? undefined : await startBroker(target);
      stop = async () => own?.close();
      const { nameServer, brokerAddress } = own ?? rocketmq;
      [stage, java] = await Promise.all([
        openStage(nameServer, brokerAddress),
        JavaMqadmin.start(nameServer),
      ]);
      // The first answer with its figures can take a busy broker longer than Java waits.
      await runHere(nameServer, ['clusterList']);
    });
    afterAll(async () => {
      await Promise.all([stage?.[Symbol.asyncDispose](), java?.[Symbol.asyncDispose]()]);
      await stop();
    });

    test.concurrent.each(Object.entries(reading))('%s', async (_, { args, as }) => {
      const names = { TOPIC: stage.topic, GROUP: stage.group };
      const both = args(stage);
      // Java waits 5 s for a busy broker, and then fails or leaves a broker's figures out.
      await eventually(
        async () => {
          const { java: theirs, ours } = await compare(java, stage, [both, both], [names, names], as);
          expect(ours).toEqual(theirs);
          return true;
        },
        { timeoutMs: 45_000, intervalMs: 1000 },
      );
    });

    test.each(Object.entries(changing))('%s', async (_, steps) => {
      const [theirOwn, own] = [uniqueName('theirs'), uniqueName('ours')];
      for (const { args, as } of steps) {
        const both = [args(theirOwn, stage), args(own, stage)] as const;
        const step = async (): Promise<true> => {
          const outcome = await compare(java, stage, both, [{ OWN: theirOwn }, { OWN: own }], as);
          expect(outcome.ours).toEqual(outcome.java);
          return true;
        };
        // A real broker may tell the NameServer of a change some time after its answer.
        await (both[0][0] === 'topicRoute' ? eventually(step) : step());
      }
    });
  },
);
