import type { Backlog } from '@dt/outbox';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { watch } from '../../../src/cli/status/index.ts';
import { age, inboxView, outboxView } from '../../../src/cli/status/view.ts';
import { openDatabase, type OpenedDatabase } from '../../database/open-database.ts';
import { dt, type DtRun } from '../dt.ts';
import { putDeadRows } from '../letters/dead-rows.ts';

const backlog: Backlog = {
  outbox: {
    pending: 120_000,
    exact: false,
    oldestMs: 412_345,
    retrying: 3,
    dead: 2,
    sentLastMinute: 18_432,
    freeLanes: 0,
  },
  relays: [
    { instance: 'a:1', lanes: 32, leaseMs: 5_120, sentLastMinute: 9_000 },
    { instance: 'b:2', lanes: 32, leaseMs: 4_900, sentLastMinute: 9_432 },
  ],
  inbox: [{ consumerGroup: 'game-consumer', pending: 4, oldestMs: 61_000, dead: 1 }],
};

describe('the view', () => {
  it('of the outbox has what waits and who sends it', () => {
    expect(outboxView(backlog)).toBe(
      [
        'pending | oldest | retrying | dead | sent last minute | free lanes',
        '--------+--------+----------+------+------------------+-----------',
        '~120000 |  7 min |        3 |    2 |            18432 |          0',
        '',
        'relay | lanes | lease left | sent last minute',
        '------+-------+------------+-----------------',
        'a:1   |    32 |      5.1 s |             9000',
        'b:2   |    32 |      4.9 s |             9432',
      ].join('\n'),
    );
    expect(outboxView({ ...backlog, relays: [] })).toContain('no relay runs');
  });

  it('of the inbox has its groups', () => {
    expect(inboxView(backlog)).toBe(
      [
        'group         | pending | oldest | dead',
        '--------------+---------+--------+-----',
        'game-consumer |       4 |   61 s |    1',
      ].join('\n'),
    );
    expect(inboxView({ ...backlog, inbox: [] })).toBe('no message waits and none is dead, in any group');
  });

  it.each([
    [0, '0 s'],
    [4_249, '4.2 s'],
    [61_000, '61 s'],
    [3_600_000, '60 min'],
    [100_000_000, '28 h'],
    [1_000_000_000, '12 d'],
  ])('says %d ms as %s', (ms, text) => {
    expect(age(ms)).toBe(text);
  });
});

describe('on a terminal', () => {
  it('is drawn over itself until it is told to stop, within the size of the window', async () => {
    const stop = new AbortController();
    const written: string[] = [];
    let looks = 0;
    await watch({
      look: async () => {
        looks += 1;
        if (looks === 3) stop.abort();
        return backlog;
      },
      view: () => `look ${looks}\n${'x'.repeat(100)}\n3\n4\n5\n6`,
      stream: { columns: 20, rows: 6, write: (text) => written.push(text) },
      everyMs: 1,
      signal: stop.signal,
    });
    const body = `\n${'x'.repeat(19)}\n3\n4\n5\n`;
    expect(written).toEqual([
      `look 1${body}`,
      `\x1b[5A\r\x1b[Jlook 2${body}`,
      `\x1b[5A\r\x1b[Jlook 3${body}`,
    ]);
  });
});

describe('dt outbox status and dt inbox status', () => {
  let opened: OpenedDatabase;
  beforeAll(async () => {
    opened = await openDatabase();
  });
  afterAll(() => opened.close());
  beforeEach(() => putDeadRows(opened.database));
  const status = (box: string, ...args: string[]): Promise<DtRun> =>
    dt(box, 'status', '--set', `database.url=${opened.connectionString}`, ...args);

  it('print once where no terminal is', async () => {
    const { code, stdout, stderr } = await status('outbox');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^pending \| oldest/);
    expect(stdout).toContain('no relay runs');
    expect((await status('inbox', '--once')).stdout).toMatch(/^group +\| pending/);
  });

  it('print one JSON document', async () => {
    const outbox = JSON.parse((await status('outbox', '--json')).stdout) as Record<string, unknown>;
    expect(outbox).toMatchObject({ outbox: { dead: 2, exact: true, freeLanes: 64 }, relays: [] });
    const inbox = JSON.parse((await status('inbox', '--json')).stdout) as { inbox: { dead: number }[] };
    expect(Object.keys(inbox)).toEqual(['inbox']);
    expect(inbox.inbox[0]?.dead).toBeGreaterThan(0);
  });

  it('refuse a pause that makes no sense', async () => {
    const { code, stderr } = await status('outbox', '--every', '0');
    expect(code).toBe(2);
    expect(stderr).toContain('Allowed: a whole number from 1 to 3600');
  });
});
