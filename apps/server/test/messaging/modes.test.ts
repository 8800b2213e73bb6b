import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/log/index.ts';
import { dropReporter } from '../../src/messaging/dropped.ts';
import { messagingMode } from '../../src/messaging/mode.ts';

const rocketmq = {
  name_server: '127.0.0.1:9876',
  producer_group: 'game-producer',
  consumer_group: 'game-consumer',
  topic_settle: 'dt_settle',
  access_key: 'rocketmq',
  secret_key: 'rocketmq123',
};

describe('messaging mode', () => {
  it.each([
    ['enabled', {}],
    ['disabled', { access_key: '' }],
    ['disabled', { secret_key: '' }],
    ['silent', { name_server: '' }],
    ['silent', { name_server: '', access_key: '', secret_key: '' }],
  ] as const)('is %s with %j', (mode, change) => {
    expect(messagingMode({ ...rocketmq, ...change })).toBe(mode);
  });
});

describe('the report of messages that wait', () => {
  it('is written once in a while, however many there are', () => {
    const lines: string[] = [];
    const report = dropReporter(
      createLog({ destination: { write: (line) => lines.push(line) } }),
      'dt_settle',
      60_000,
    );
    for (let i = 0; i < 100; i += 1) report();
    expect(lines).toEqual(['[WARN] [mq disabled] drop message topic=dt_settle\n']);
  });
});
