import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '@dt/testkit';
import { outboxWords, skipCommand } from '../../../src/cli/letters/index.ts';
import { replayCommand } from '../../../src/cli/letters/replay.ts';
import { openDatabase, type OpenedDatabase } from '../../database/open-database.ts';
import { dt, type DtRun } from '../dt.ts';
import { putDeadRows } from './dead-rows.ts';

let opened: OpenedDatabase;
beforeAll(async () => {
  opened = await openDatabase();
});
afterAll(() => opened.close());
beforeEach(() => putDeadRows(opened.database));

const settings = (): string[] => ['--set', `database.url=${opened.connectionString}`];
const run = (box: string, command: string, ...args: string[]): Promise<DtRun> =>
  dt(box, command, ...settings(), ...args);

async function json(box: string, command: string, ...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout } = await run(box, command, '--json', ...args);
  expect(code).toBe(0);
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function statuses(table: 'outbox' | 'inbox'): Promise<number[]> {
  const { rows } = await opened.database.query<{ status: number }>(`SELECT status FROM ${table} ORDER BY id`);
  return rows.map(({ status }) => status);
}

function terminalThatSays(answer: string) {
  const screen = (): PassThrough & { isTTY?: boolean } => Object.assign(new PassThrough(), { isTTY: true });
  const terminal = { stdin: screen(), stdout: screen(), stderr: screen() };
  terminal.stdin.write(`${answer}\n`);
  return terminal;
}

describe('list', () => {
  it('shows the dead ones in a table, the newest first', async () => {
    const { code, stdout } = await run('outbox', 'list');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toMatch(
      /^id \| topic +\| tag +\| key +\| sharding key \| attempts \| created +\| dead since/,
    );
    expect(lines[2]).toMatch(
      /^ 2 \| dt_settle \| bet_placed +\| B2:1:bet_placed +\| p:1 +\| +3 \| \d{4}-\d\d-\d\dT[\d:]+Z \| \d{4}\S+Z \| too large: 2$/,
    );
    expect(lines[4]).toBe('(2 messages)');
  });

  it('goes on where a page ended', async () => {
    const first = await run('outbox', 'list', '--limit', '1', '--oldest');
    expect(first.stdout).toContain('B1:1:order_settled');
    expect(first.stdout).toContain('(1 message; more with --after 1)');
    const second = await json('outbox', 'list', '--oldest', '--after', '1');
    expect(second).toMatchObject({ messages: [{ id: 2, consumerGroup: null, status: 'dead' }], next: null });
  });

  it.each([
    [['--tag', 'bet_placed'], [2]],
    [['--key', 'B1:1:order_settled', '--topic', 'dt_settle'], [1]],
    [['--key-prefix', 'B2'], [2]],
    [['--sharding-key', 'p:1', '--error', 'LARGE: 1'], [1]],
    [
      ['--created-from', '1h', '--failed-from', '1h'],
      [2, 1],
    ],
    [['--created-before', '2020-01-31'], []],
    [['--failed-before', '2020-01-31 18:00'], []],
    [['--status', 'sent'], [3]],
    [['--status', 'pending'], [4]],
  ])('is filtered by %j', async (flags, ids) => {
    const { messages } = (await json('outbox', 'list', ...flags)) as { messages: { id: number }[] };
    expect(messages.map(({ id }) => id)).toEqual(ids);
  });

  it('of the inbox shows groups, and errors without what would move the cursor', async () => {
    const { stdout } = await run('inbox', 'list', '--oldest', '--group', 'game-consumer');
    expect(stdout).toMatch(/ \d \| game-consumer \| dt_settle \| bad +\| I1 .* \| no \[2J account\n/);
    expect(stdout).toContain('(3 messages)');
    expect(await json('inbox', 'list', '--group', 'other')).toEqual({ messages: [], next: null });
    expect(await json('inbox', 'list', '--status', 'applied')).toMatchObject({
      messages: [{ messageKey: 'I3', status: 'done' }],
    });
  });
});

it('summary counts by topic, tag and error', async () => {
  const { stdout } = await run('inbox', 'summary');
  expect(stdout).toMatch(/ 2 \| game-consumer \| dt_settle \| bad +\| .* \| no \[2J account\n/);
  expect(stdout).toContain('(3 messages)');
  expect((await run('outbox', 'summary', '--limit', '1')).stdout).toContain(
    '(2 messages in 2 lines; more with --limit)',
  );
  expect(await json('outbox', 'summary', '--tag', 'bet_placed')).toMatchObject({
    messages: 1,
    groups: [{ topic: 'dt_settle', tag: 'bet_placed', error: 'too large: 2', messages: 1 }],
  });
});

describe('show', () => {
  it('has everything of one message, and its history', async () => {
    await run('outbox', 'replay', '1', '--by', 'ann');
    await opened.database.query(
      `UPDATE outbox SET status = 2, attempts = 1, last_error = 'again', died_at = now() WHERE id = 1`,
    );
    const { code, stdout } = await run('outbox', 'show', '1');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^id +1\ntopic +dt_settle\n/);
    expect(stdout).toMatch(/\nheader +traceparent: 00-1\npayload +\{"big":12345678901234567890\}\n/);
    expect(stdout).toMatch(
      /\n\S+Z +enqueued\n\S+Z +dead after 3 attempts: too large: 1\n\S+Z +replayed by ann\n\S+Z +dead after 1 attempt: again\n$/,
    );
  });

  it('gives the payload as it lies in the row, in JSON too', async () => {
    const { stdout } = await run('outbox', 'show', '1', '--json');
    expect(stdout).toContain('"payload":{"big":12345678901234567890}');
    expect(JSON.parse(stdout)).toMatchObject({ id: 1, bodyBase64: null, pastLives: [] });
  });

  it('names messages of the inbox by key, in the configured group or another', async () => {
    const torn = await run('inbox', 'show', 'torn');
    expect(torn.stdout).toMatch(/\nbody +5 bytes: torn\{\n/);
    expect(await json('inbox', 'show', 'torn')).toMatchObject({ bodyBase64: 'dG9ybns=', payload: null });
    const other = await run('inbox', 'show', 'torn', '--group', 'other');
    expect(other).toMatchObject({ code: 1, stdout: '' });
    expect(other.stderr).toBe(
      'dt: the inbox has no message of the group other with the key torn (not-found)\n',
    );
  });

  it('exits 1 for an unknown id', async () => {
    const { code, stderr } = await run('outbox', 'show', '99');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'dt: the outbox has no message with the id 99 (not-found)\n',
    });
  });
});

describe('replay', () => {
  it('makes one message pending, once', async () => {
    expect(await run('outbox', 'replay', '1')).toEqual({
      code: 0,
      stdout: 'replayed 1 message\n',
      stderr: '',
    });
    expect(await statuses('outbox')).toEqual([0, 2, 1, 0]);
    const again = await run('outbox', 'replay', '1');
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('is pending: only dead messages can be replayed (not-dead)');
    expect((await run('inbox', 'replay', 'I1')).code).toBe(0);
    expect(await statuses('inbox')).toEqual([0, 2, 1, 2]);
    const { rows } = await opened.database.query<{ box: string; replayed_by: string }>(
      'SELECT box, replayed_by FROM outbox_replays ORDER BY id',
    );
    expect(rows.map(({ box }) => box)).toEqual(['outbox', 'inbox']);
    for (const { replayed_by: by } of rows) expect(by).toMatch(/^.+@.+$/);
  });

  it('tells in a dry run how many, which, and what has overtaken them', async () => {
    const { code, stdout } = await run('outbox', 'replay', '--error', 'too large', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toMatch(/ 1 \| dt_settle .*\n +2 \| dt_settle .*\n/);
    expect(stdout).toMatch(
      /\n2 messages of 1 sharding key would be replayed; 1 later message of its sharding key has been sent\n$/,
    );
    expect((await run('outbox', 'replay', '1', '--dry-run')).stdout).toContain(
      '1 message of 1 sharding key would be replayed; 1 later message of its sharding key has been sent\n',
    );
    expect(await json('inbox', 'replay', '--all', '--dry-run')).toMatchObject({
      dryRun: true,
      messages: 2,
      keys: 1,
      unreadable: 1,
      overtakers: 1,
      first: [{ messageKey: 'I1' }, { messageKey: 'I2' }, { messageKey: 'torn', replayable: false }],
    });
    expect(await statuses('outbox')).toEqual([2, 2, 1, 0]);
    expect(await statuses('inbox')).toEqual([2, 2, 1, 2]);
  });

  it('does nothing to many without --yes where nobody can be asked', async () => {
    const { code, stderr } = await run('outbox', 'replay', '--topic', 'dt_settle');
    expect(code).toBe(2);
    expect(stderr).toContain('nothing was done. Give --yes to replay them, --dry-run to see them.');
    expect(await statuses('outbox')).toEqual([2, 2, 1, 0]);
    // One is no question.
    expect((await run('outbox', 'replay', '--tag', 'bet_placed')).code).toBe(0);
    expect(await statuses('outbox')).toEqual([2, 0, 1, 0]);
  });

  it('replays all that match, and leaves what cannot be read', async () => {
    const { code, stdout } = await run('inbox', 'replay', '--all', '--yes');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'replayed 2 messages; 1 message that cannot be read is left\n',
    });
    expect(await json('outbox', 'replay', '--all', '--yes', '--after', '1')).toEqual({
      replayed: 1,
      total: 1,
      lastId: 2,
      unreadable: 0,
      finished: true,
    });
    expect((await run('outbox', 'replay', '--tag', 'none', '--yes')).stdout).toBe('replayed 0 messages\n');
    const torn = await run('inbox', 'replay', 'torn');
    expect(torn.code).toBe(1);
    expect(torn.stderr).toContain('could not be read when it was received');
  });

  it('stops at Ctrl-C, exits 130, and says how to go on', async () => {
    await opened.database.query(`UPDATE outbox SET status = 2, died_at = now()`);
    const running = run('outbox', 'replay', '--all', '--yes', '--rate', '2');
    await expect.poll(() => statuses('outbox'), { timeout: 15_000 }).toEqual([0, 2, 2, 2]);
    process.emit('SIGINT');
    const { code, stdout, stderr } = await running;
    expect(code).toBe(130);
    expect(stdout).toMatch(/^replayed [12] messages?\n$/);
    expect(stderr).toMatch(
      /^dt: interrupted; [12] of 4 messages replayed; to go on, give the same with --after [12]\n$/,
    );
    expect((await statuses('outbox')).filter((status) => status === 2).length).toBeGreaterThanOrEqual(2);
  });

  it.each([
    ['y', [0, 0, 1, 0]],
    ['n', [2, 2, 1, 0]],
  ])('asks at a terminal, and draws a bar there: answer %s', async (answer, expected) => {
    const terminal = terminalThatSays(answer);
    const replaying = replayCommand(outboxWords, terminal)
      .exitOverride()
      .parseAsync([...settings(), '--topic', 'dt_settle'], { from: 'user' });
    if (answer === 'n') await expect(replaying).rejects.toThrow('nothing was replayed');
    else await replaying;
    const shown = String(terminal.stderr.read());
    expect(shown).toContain('2 messages of 1 sharding key would be replayed; 1 later message');
    if (answer === 'y') {
      expect(shown).toContain('█ replayed 2/2');
      expect(String(terminal.stdout.read())).toBe('replayed 2 messages\n');
    }
    expect(await statuses('outbox')).toEqual(expected);
  });
});

describe('skip', () => {
  /** B1 and B2 hold their key, and a fifth message waits behind them. */
  beforeEach(async () => {
    await opened.database.query('UPDATE outbox SET holds_key = true WHERE id < 3');
    await opened.database.query(`UPDATE outbox SET sharding_key = 'p:1' WHERE id = 4`);
  });
  const holding = async (): Promise<number[]> => {
    const { rows } = await opened.database.query<{ id: string }>(
      'SELECT id FROM outbox WHERE holds_key ORDER BY id',
    );
    return rows.map(({ id }) => Number(id));
  };

  it('tells in a dry run how many, which, and what waits behind them', async () => {
    const { code, stdout } = await run('outbox', 'skip', '--all', '--dry-run');
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: '2 messages (1, 2) of 1 sharding key would be skipped; 1 message behind them would go on\n',
    });
    expect(await json('outbox', 'skip', '--tag', 'bet_placed', '--dry-run')).toEqual({
      dryRun: true,
      messages: 1,
      keys: 1,
      waiting: 1,
      first: [2],
    });
    expect(await holding()).toEqual([1, 2]);
  });

  it('lets the key of one go, says by whom, and leaves the message dead', async () => {
    expect(await run('outbox', 'skip', '1', '--by', 'ann')).toEqual({
      code: 0,
      stdout: 'skipped 1 message\n',
      stderr: '',
    });
    expect(await holding()).toEqual([2]);
    expect(await statuses('outbox')).toEqual([2, 2, 1, 0]);
    expect((await run('outbox', 'show', '1')).stdout).toContain('too large: 1; skipped by ann');
  });

  it('skips nothing of what holds no key, or is not there', async () => {
    await run('outbox', 'skip', '1');
    const again = await run('outbox', 'skip', '1');
    expect([again.code, again.stderr]).toEqual([
      1,
      'dt: the outbox message with the id 1 holds no sharding key: nothing was skipped\n',
    ]);
    const unknown = await run('outbox', 'skip', '99');
    expect([unknown.code, unknown.stderr]).toEqual([
      1,
      'dt: the outbox has no message with the id 99 (not-found)\n',
    ]);
  });

  it('does nothing to many without --yes where nobody can be asked', async () => {
    const { code, stderr } = await run('outbox', 'skip', '--all');
    expect(code).toBe(2);
    expect(stderr).toContain('nothing was done. Give --yes to skip them, --dry-run to see them.');
    expect(await holding()).toEqual([1, 2]);
    expect(await json('outbox', 'skip', '--all', '--yes')).toEqual({ skipped: 2 });
    expect(await holding()).toEqual([]);
  });

  it.each([
    ['y', []],
    ['n', [1, 2]],
  ])('asks at a terminal: answer %s', async (answer, expected) => {
    const terminal = terminalThatSays(answer);
    const skipping = skipCommand(terminal)
      .exitOverride()
      .parseAsync([...settings(), '--all'], { from: 'user' });
    if (answer === 'n') await expect(skipping).rejects.toThrow('nothing was skipped');
    else await skipping;
    expect(String(terminal.stderr.read())).toContain('2 messages (1, 2) of 1 sharding key would be skipped');
    expect(await holding()).toEqual(expected);
  });
});

describe('a wrong call', () => {
  it.each([
    ['outbox', ['list', '--limit', '0'], 'Allowed: a whole number from 1 to 1000.'],
    ['outbox', ['list', '--status', 'gone'], 'Allowed choices are pending, sent, dead.'],
    ['inbox', ['list', '--status', 'sent'], 'Allowed choices are pending, applied, dead.'],
    ['outbox', ['list', '--topic', ''], 'Allowed: a text that is not empty.'],
    ['outbox', ['list', '--created-from', 'yesterday'], 'Allowed: a date (2026-01-31)'],
    ['outbox', ['list', '--created-from', '2026-02-31'], 'Allowed: a date (2026-01-31)'],
    [
      'outbox',
      ['list', '--status', 'sent', '--failed-from', '2h'],
      'ask for dead messages, not for sent ones',
    ],
    ['outbox', ['list', '--group', 'g'], "unknown option '--group'"],
    ['outbox', ['show', 'B1'], 'Allowed: a whole number from 1.'],
    ['outbox', ['show'], "missing required argument 'id'"],
    ['inbox', ['show', ''], 'Allowed: a text that is not empty.'],
    ['outbox', ['replay'], 'what is to be replayed?'],
    ['outbox', ['replay', '1', '--tag', 't'], 'one of the three'],
    ['inbox', ['replay', '--all', '--topic', 't'], 'one of the three'],
    ['outbox', ['replay', '--all', '--rate', '0'], 'Allowed: a whole number from 1 to 1000000.'],
    ['outbox', ['replay', '--all', '--by', ''], 'Allowed: a text that is not empty.'],
    ['outbox', ['skip'], 'what is to be skipped?'],
    ['outbox', ['skip', '1', '--all'], 'one of the three'],
    ['inbox', ['skip', '--all'], "unknown command 'skip'"],
    ['outbox', ['replays'], "unknown command 'replays'"],
    ['inbox', [], 'Usage: dt inbox'],
  ])('dt %s %j exits 2 and says what is allowed', async (box, args, message) => {
    const { code, stdout, stderr } = await dt(box, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

it('says what to do where the tables are not there', async () => {
  const empty = await createTestDatabase();
  const { code, stderr } = await dt('outbox', 'list', '--set', `database.url=${empty.connectionString}`);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^dt: the database is not at the schema of this version .*: run dt migrate, or /);
  await empty.drop();
});
