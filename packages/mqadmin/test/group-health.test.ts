import type { ConsumerRunningInfo } from '@dt/rocketmq-client';
import { expect, it } from 'vitest';
import { type Member, sameSubscription, stuckQueues } from '../src/group-health.ts';
import { runningInfoText } from '../src/running-info-view.ts';

const NOW = 1_795_400_000_000;
const queue = {
  queue: { topic: 'T', brokerName: 'broker-a', queueId: 3 },
  commitOffset: 17,
  cachedMessages: 2,
  cachedMinOffset: 17,
  cachedMaxOffset: 18,
  cachedMebibytes: 1,
  locked: false,
  dropped: false,
  lastLockTimestamp: NOW - 5_000,
  lastPullTimestamp: NOW,
  lastConsumeTimestamp: NOW - 90_000,
};

function member(
  clientId: string,
  {
    tags = '*',
    ageMs = 300_000,
    orderly = false,
    queues = [queue],
  }: {
    tags?: string;
    ageMs?: number;
    orderly?: boolean;
    queues?: ConsumerRunningInfo['queues'];
  } = {},
): Member {
  return {
    clientId,
    version: 'V5_3_0',
    info: {
      properties: {
        PROP_CONSUME_TYPE: 'CONSUME_PASSIVELY',
        PROP_CONSUMEORDERLY: String(orderly),
        PROP_CONSUMER_START_TIMESTAMP: String(NOW - ageMs),
      },
      subscriptions: [
        {
          ...{ topic: 'T', subString: tags, tagsSet: [], codeSet: [], subVersion: 1 },
          ...{ expressionType: 'TAG', classFilterMode: false },
        },
      ],
      queues,
      topics: [
        {
          ...{ topic: 'T', pullRtMs: 1.5, pullTps: 2, consumeRtMs: 3 },
          ...{ consumeOkTps: 4, consumeFailedTps: 0, consumeFailedMessages: 5 },
        },
      ],
      stack: undefined,
    },
  };
}

it('finds members that want different things, once they had time to be deployed', () => {
  expect(sameSubscription([member('a'), member('b')], NOW)).toBe(true);
  expect(sameSubscription([member('a'), member('b', { tags: 'A' })], NOW)).toBe(false);
  expect(sameSubscription([member('a'), member('b', { tags: 'A', ageMs: 60_000 })], NOW)).toBe(true);
});

it('finds queues with messages in which nothing was consumed for a minute', () => {
  const name = 'MessageQueue [topic=T, brokerName=broker-a, queueId=3]';
  expect(stuckQueues(member('a'), NOW)).toEqual([
    `a ${name} can't consume for a while, maybe blocked, 90000ms`,
  ]);
  expect(stuckQueues(member('a', { queues: [{ ...queue, cachedMessages: 0 }] }), NOW)).toEqual([]);
  expect(stuckQueues(member('a', { orderly: true }), NOW)).toEqual([
    `a ${name} can't lock for a while, 5000ms`,
  ]);
  expect(stuckQueues(member('a', { orderly: true, queues: [{ ...queue, locked: true }] }), NOW)).toEqual([]);
});

it('shows what a member does in chapters', () => {
  const text = runningInfoText(member('a', { tags: 'A || B' }).info);
  expect(text).toMatch(/^#Consumer Properties#\nPROP_CONSUME_TYPE {23}: CONSUME_PASSIVELY$/m);
  expect(text).toMatch(/^001 Topic: T +ClassFilter: false {4}SubExpression: A \|\| B$/m);
  expect(text).toMatch(/^T +broker-a +3 +17$/m);
  expect(text).toContain('cachedMsgCount=2');
  expect(text).toMatch(/^T +1\.50 +2\.00 +3\.00 +4\.00 +0\.00 +5$/m);
  expect(text).not.toContain('jstack');
});
