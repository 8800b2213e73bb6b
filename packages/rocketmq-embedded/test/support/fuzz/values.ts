import { encodeBatchBody, encodeReceiptHandle } from '@dt/rocketmq-protocol';
import type { Random } from '@dt/testkit';

const NUMBERS = [
  '0',
  '1',
  '2',
  '7',
  '-1',
  '65536',
  '2147483647',
  '2147483648',
  '-2147483649',
  '9007199254740993',
];
const NO_NUMBERS = ['', ' 1', '1.5', '1e9', 'NaN', 'x', '99999999999999999999', '0x10', '１', '\u0000'];
const TOPICS = [
  'T',
  'U',
  'V',
  '%RETRY%G',
  '%DLQ%G',
  '%RETRY%G_T',
  'SCHEDULE_TOPIC_XXXX',
  'TBW102',
  'broker-a',
];
const SYSTEM_TOPICS = [
  'RMQ_SYS_TRANS_HALF_TOPIC',
  'rmq_sys_wheel_timer',
  'rmq_sys_REVIVE_LOG_DefaultCluster',
];
const GROUPS = ['G', 'H', 'P', 'CID_RMQ_SYS_TRANS', 'TOOLS_CONSUMER'];
const ODD_TEXTS = [
  '',
  ' ',
  '%',
  'a b',
  'ä',
  '\u0001',
  '\u0002',
  '../../x',
  '__proto__',
  'constructor',
  '@',
  '*',
];
const PROPERTY_NAMES = [
  'TAGS',
  'KEYS',
  'UNIQ_KEY',
  'DELAY',
  'TIMER_DELAY_MS',
  'TIMER_DELIVER_MS',
  'TIMER_DEL_UNIQKEY',
];
const MORE_PROPERTY_NAMES = [
  'TRAN_MSG',
  'PGROUP',
  'REAL_TOPIC',
  'REAL_QID',
  '__SHARDINGKEY',
  'CLUSTER',
  'INNER_NUM',
];
const COMPARISONS = ['=', '<>', '<', '>', '<=', '>='];

export function name(random: Random, names: readonly string[]): string {
  if (random.chance(0.75)) return random.pick(names);
  if (random.chance(0.5)) return random.pick(ODD_TEXTS);
  if (random.chance(0.1)) return 'n'.repeat(random.below(40_000));
  return `random-${random.below(1_000_000_000)}`;
}

export function number(random: Random): string {
  return random.pick(random.chance(0.7) ? NUMBERS : NO_NUMBERS);
}

/** A value for a field of this name: mostly one that could stand there. */
export function fieldValue(random: Random, field: string): string {
  if (random.chance(0.05)) return random.bytes(random.below(60)).toString('latin1');
  if (random.chance(0.01)) return 'x'.repeat(random.below(100_000));
  const lower = field.toLowerCase();
  // The fields of SEND_MESSAGE_V2 have single letters.
  if (/topic$|^b$|^c$/.test(lower)) return name(random, random.chance(0.1) ? SYSTEM_TOPICS : TOPICS);
  if (/group|^a$/.test(lower)) return name(random, GROUPS);
  if (lower === 'properties' || lower === 'i') return properties(random);
  if (lower === 'subscription' || lower === 'exp') return expression(random);
  if (/^exp.*type$/.test(lower)) return random.pick(['TAG', 'SQL92', 'SQL92', '', 'NONE']);
  if (lower === 'extrainfo') return receipt(random);
  if (/clientid|brokername|brokeraddr|cluster|namespace|key|addr/.test(lower))
    return name(random, ['c', 'broker-a', '127.0.0.1:10911', 'DefaultCluster', 'ORDER_TOPIC_CONFIG']);
  if (random.chance(0.6)) return String(random.below(4));
  return number(random);
}

export function properties(random: Random): string {
  let text = '';
  for (let i = random.below(5); i > 0; i--) {
    const key = random.pick(random.chance(0.6) ? PROPERTY_NAMES : MORE_PROPERTY_NAMES);
    text += `${key}\u0001${random.chance(0.5) ? number(random) : name(random, ['a', 'true', 'G', 'T'])}\u0002`;
  }
  return random.chance(0.9) ? text : `${text}\u0001\u0002\u0001${number(random)}`;
}

function receipt(random: Random): string {
  const handle = encodeReceiptHandle({
    ...{ startOffset: random.below(9), popTime: random.chance(0.5) ? Date.now() : random.below(99) },
    ...{
      invisibleTimeMs: random.below(2000),
      reviveQueueId: random.below(10),
      retry: random.pick(['normal', 'retry', 'retryV2']),
    },
    ...{ brokerName: 'broker-a', queueId: random.below(4), queueOffset: random.below(9) },
  });
  if (random.chance(0.7)) return handle;
  const parts = handle.split(' ');
  parts[random.below(parts.length)] = number(random);
  return parts.slice(0, 1 + random.below(parts.length)).join(' ');
}

/** Something like SQL92: often right, sometimes very deep. */
export function expression(random: Random, depth = 0): string {
  if (depth === 0 && random.chance(0.3)) return random.pick(['*', 'a', 'a || b', '||', '']);
  if (depth === 0 && random.chance(0.02)) return `${'('.repeat(random.below(20_000))}a = 1`;
  if (depth === 0 && random.chance(0.02)) return `${'NOT '.repeat(random.below(5_000))}a = 1`;
  const value = (): string =>
    random.pick(['a', 'b', '1', '-1', '1.5', "'x'", 'TRUE', 'NULL', '9'.repeat(30), '']);
  if (depth > 5 || random.chance(0.4)) {
    const kind = random.below(6);
    if (kind === 0) return `${value()} IS ${random.pick(['', 'NOT '])}NULL`;
    if (kind === 1) return `${value()} BETWEEN ${value()} AND ${value()}`;
    if (kind === 2) return `${value()} IN (${value()}, ${value()})`;
    if (kind === 3) return `${value()} CONTAINS ${value()}`;
    return `${value()} ${random.pick(COMPARISONS)} ${value()}`;
  }
  const left = expression(random, depth + 1);
  const right = expression(random, depth + 1);
  return random.pick([`(${left})`, `NOT ${left}`, `${left} AND ${right}`, `(${left}) OR ${right}`]);
}

export function batch(random: Random): Buffer {
  const entries = Array.from({ length: 1 + random.below(20) }, () => ({
    body: Buffer.alloc(random.below(200), 1),
    properties: { KEYS: String(random.below(99)) },
  }));
  return encodeBatchBody(entries);
}

/** JSON in the form of those bodies that requests have, with some of it replaced by anything. */
export function jsonBody(random: Random): Buffer {
  if (random.chance(0.03)) return Buffer.from(random.pick(['[', '{"a":']).repeat(random.below(50_000)));
  const subscription = (): unknown => ({
    ...{ classFilterMode: false, topic: name(random, TOPICS), subString: expression(random) },
    ...{
      tagsSet: ['a'],
      codeSet: [97],
      subVersion: random.below(9),
      expressionType: random.pick(['TAG', 'SQL92']),
    },
  });
  const queue = (): unknown => ({
    topic: name(random, TOPICS),
    brokerName: 'broker-a',
    queueId: random.below(9),
  });
  const topic = (): unknown => ({
    ...{ topicName: name(random, TOPICS), readQueueNums: random.below(9), writeQueueNums: random.below(9) },
    ...{
      perm: random.below(8),
      topicFilterType: 'SINGLE_TAG',
      topicSysFlag: 0,
      order: false,
      attributes: {},
    },
  });
  const bodies: Record<string, unknown>[] = [
    {
      clientID: name(random, ['c']),
      heartbeatFingerprint: 0,
      producerDataSet: [{ groupName: name(random, GROUPS) }],
      consumerDataSet: [
        {
          ...{
            groupName: name(random, GROUPS),
            consumeType: 'CONSUME_PASSIVELY',
            messageModel: 'CLUSTERING',
          },
          ...{ consumeFromWhere: 'CONSUME_FROM_LAST_OFFSET', unitMode: false },
          subscriptionDataSet: [subscription(), subscription()],
        },
      ],
    },
    { clientId: 'c', group: name(random, GROUPS), subscriptionData: subscription() },
    { consumerGroup: name(random, GROUPS), clientId: 'c', mqSet: [queue(), queue()], onlyThisBroker: true },
    { topicConfigList: [topic(), topic()] },
    {
      ...{
        groupName: name(random, GROUPS),
        consumeEnable: random.chance(0.8),
        retryQueueNums: random.below(3),
      },
      ...{ retryMaxTimes: random.below(20), brokerId: 0, consumeBroadcastEnable: true },
    },
    {
      brokerName: 'broker-a',
      acks: [{ c: 'G', t: 'T', so: 0, q: 0, rq: 0, pt: random.below(9), it: 1000, bitSet: 'AQ==' }],
    },
    {
      topic: 'T',
      consumerGroup: 'G',
      clientId: 'c',
      strategyName: 'AVG',
      messageModel: 'CLUSTERING',
      mode: 'POP',
    },
    {
      topicConfigSerializeWrapper: { topicConfigTable: { T: topic() }, dataVersion: {} },
      filterServerList: [],
    },
  ];
  const text = JSON.stringify(random.chance(0.5) ? spoilt(random, random.pick(bodies)) : random.pick(bodies));
  return Buffer.from(random.chance(0.1) ? text.slice(0, random.below(text.length)) : text);
}

/** The same with one part of it replaced. */
function spoilt(random: Random, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && random.chance(0.8)) {
    const at = random.below(value.length);
    return value.map((each: unknown, index) => (index === at ? spoilt(random, each) : each));
  }
  if (typeof value === 'object' && value !== null && random.chance(0.9)) {
    const entries = Object.entries(value);
    const at = random.below(entries.length);
    return Object.fromEntries(
      entries.map(([key, each], index) => [key, index === at ? spoilt(random, each) : each]),
    );
  }
  return random.pick<unknown>([
    null,
    -1,
    1e300,
    2 ** 53,
    '',
    'x',
    [],
    {},
    [[]],
    true,
    'x'.repeat(5000),
    { '': null },
  ]);
}
