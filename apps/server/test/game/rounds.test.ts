import { eventually } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGame } from '../../src/game/index.ts';
import { codeOf, openTable, RULES, TOPIC, type Table } from './table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

const start = (roundId: string, roomId: string) => ({
  roundId,
  eventType: 1 as const,
  gameId: 'g',
  roomId,
  actor: 'dealer-1',
  traceId: 't-1',
});

const auditOf = async (roundId: string) =>
  (
    await table.database.query<{ step: string }>(
      `SELECT prev_state || ' ' || next_state || ' ' || actor || ' ' || source AS step FROM round_audit
        WHERE round_id = $1 ORDER BY audit_id`,
      [roundId],
    )
  ).rows.map(({ step }) => step);

const everythingAbout = async (roundId: string): Promise<string> => {
  const { rows } = await table.database.query(
    `SELECT row_to_json(r) AS round, (SELECT count(*) FROM round_audit WHERE round_id = $1) AS audits,
            (SELECT count(*) FROM outbox WHERE payload->>'game_round_id' = $1) AS messages
       FROM rounds r WHERE round_id = $1`,
    [roundId],
  );
  return JSON.stringify(rows);
};

describe('the life of a round', () => {
  it('answers the start with the window of the table, and a repeat with the same', async () => {
    const first = await table.game.event(start('life-1', 'room-1'));
    expect(first.data).toMatchObject({
      roundId: 'life-1',
      gameId: 'g',
      roomId: 'room-1',
      countdownSeconds: 45,
    });
    expect((first.data?.betStopTimeMs ?? 0) - (first.data?.betStartTimeMs ?? 0)).toBe(45_000);
    await table.game.event({ ...start('life-1', 'room-1'), eventType: 2 });
    const before = await everythingAbout('life-1');
    expect(await table.game.event({ ...start('life-1', 'room-1'), traceId: 't-2' })).toEqual(first);
    expect(await everythingAbout('life-1')).toBe(before);
  });

  it('takes each event once; a repeat changes nothing; each step is audited with its actor', async () => {
    const round = await table.start();
    for (const event of [2, 3, 4] as const) {
      await table.event(round, event);
      const before = await everythingAbout(round);
      await table.event(round, event);
      expect(await everythingAbout(round)).toBe(before);
    }
    await table.draw(round, 'D1,T2,R');
    await table.events(round, 5, 5, 4, 3, 2, 1);
    expect(await auditOf(round)).toEqual([
      'created betting dealer-1 api',
      'betting sealed dealer-1 api',
      'sealed dealing dealer-1 api',
      'dealing drawn dealer-1 api',
      'drawn settled dealer-1 api',
      'settled ended dealer-1 api',
    ]);
  });

  it('refuses events out of order and changes nothing', async () => {
    const round = await table.start();
    const refuse = async (...events: (1 | 2 | 3 | 4 | 5)[]): Promise<void> => {
      for (const event of events) {
        const before = await everythingAbout(round);
        expect(await codeOf(table.event(round, event))).toBe(2003);
        expect(await everythingAbout(round)).toBe(before);
      }
    };
    await refuse(3, 4, 5);
    await table.event(round, 2);
    await refuse(4, 5);
    await table.event(round, 3);
    await refuse(5);
    await table.event(round, 4);
    await refuse(5);
  });

  it('knows no events of a round that was never started', async () => {
    for (const event of [2, 3, 4, 5] as const) expect(await codeOf(table.event('never', event))).toBe(4004);
    expect(await codeOf(table.game.round('never'))).toBe(4004);
  });

  it('has one open round in a room, also when two are started at once, and names it', async () => {
    await table.game.event(start('open-1', 'room-one'));
    await expect(table.game.event(start('open-2', 'room-one'))).rejects.toMatchObject({
      code: 2003,
      httpStatus: 409,
      message: expect.stringContaining('open-1') as string,
      details: { roomId: 'room-one', openRoundId: 'open-1' },
    });
    const both = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => table.game.event(start(`race-${index}`, 'room-race'))),
    );
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('starts one round when the same start comes many times at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => table.game.event(start('same-1', 'room-same'))),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(await auditOf('same-1')).toHaveLength(1);
  });

  it('takes one of many equal events at once, and repeats it to the others', async () => {
    const round = await table.start();
    await Promise.all(Array.from({ length: 10 }, () => table.event(round, 2)));
    expect(await auditOf(round)).toHaveLength(2);
  });

  it('refuses a start with the id of a round in another room', async () => {
    await table.game.event(start('taken', 'room-a'));
    expect(await codeOf(table.game.event(start('taken', 'room-b')))).toBe(2003);
  });

  it('refuses ids that the tables cannot hold', async () => {
    expect(await codeOf(table.event('', 1))).toBe(1000);
    expect(await codeOf(table.event('x'.repeat(65), 1))).toBe(1000);
    expect(await codeOf(table.event('龙'.repeat(22), 1))).toBe(1000);
    expect(await codeOf(table.event('a\0b', 1))).toBe(1000);
    expect(await codeOf(table.event('half \ud83d', 1))).toBe(1000);
    expect(await codeOf(table.game.round('a\0b'))).toBe(1000);
  });

  it('carries free text in its ids: blanks, percent signs, other scripts', async () => {
    const id = '龙 100%\tround';
    await table.event(id, 1);
    await table.events(id, 2, 3, 4);
    await table.draw(id, 'D1,T2,R');
    await table.event(id, 5);
    const { rows } = await table.database.query<{ message_key: string }>(
      `SELECT message_key FROM outbox WHERE payload->>'game_round_id' = $1 ORDER BY id`,
      [id],
    );
    expect(rows.map((row) => row.message_key)).toEqual(
      ['game_started', 'game_draw_ready', 'game_drawn', 'game_ended'].map(
        (event) => `龙%20100%25%09round:1:${event}`,
      ),
    );
  });

  it('lets the database refuse a transition that is not listed, and a change of frozen rules', async () => {
    const round = await table.start();
    for (const state of ['dealing', 'drawn', 'settled', 'ended']) {
      await expect(
        table.database.query('UPDATE rounds SET state = $2 WHERE round_id = $1', [round, state]),
      ).rejects.toMatchObject({ code: '23514' });
    }
    await expect(
      table.database.query('UPDATE rounds SET deadline_at = deadline_at WHERE round_id = $1', [round]),
    ).rejects.toMatchObject({ code: '23001' });
  });

  it('refuses a table whose paytable does not exist', () => {
    expect(() =>
      createGame({
        database: table.database,
        topic: TOPIC,
        config: { default: RULES, tables: { a: { paytable: 'x' } } },
      }),
    ).toThrow('table a names no paytable: x');
  });

  it('plays each table by its own rules, frozen when the round starts', async () => {
    const game = createGame({
      database: table.database,
      topic: TOPIC,
      config: { default: RULES, tables: { 'room-fast': { bettingSeconds: 7, paytable: 'standard' } } },
    });
    expect((await game.event(start('fast-1', 'room-fast'))).data?.countdownSeconds).toBe(7);
    expect((await game.round('fast-1')).roundInfo).toMatchObject({
      paytable: 'standard',
      paytableVersion: 1,
    });
    expect((await game.event(start('slow-1', 'room-slow'))).data?.countdownSeconds).toBe(45);
  });
});

describe('the deadline', () => {
  it('seals by itself, from any instance, once', async () => {
    const fast = await openTable({ bettingSeconds: 1 });
    try {
      const round = await fast.start();
      expect(await fast.game.sealDue()).toBe(0);
      const sealed = await eventually(async () => {
        const counts = await Promise.all([fast.game.sealDue(), fast.game.sealDue(), fast.game.sealDue()]);
        return counts.some((count) => count > 0) ? counts : false;
      });
      expect(sealed.reduce((sum, count) => sum + count, 0)).toBe(1);
      const { roundInfo } = await fast.game.round(round);
      expect(roundInfo.state).toBe('sealed');
      expect(roundInfo.betStopTimeMs - roundInfo.betStartTimeMs).toBe(1000);
      const { rows } = await fast.database.query(
        'SELECT actor, source, prev_state, next_state FROM round_audit WHERE source <> $1',
        ['api'],
      );
      expect(rows).toEqual([
        { actor: 'system', source: 'deadline', prev_state: 'betting', next_state: 'sealed' },
      ]);
      // The dealer's stop comes late: a repeat of what has happened.
      await fast.events(round, 2, 3);
    } finally {
      await fast.close();
    }
  });

  it('holds when no timer has come by: the next event finds the round sealed', async () => {
    const fast = await openTable({ bettingSeconds: 1 });
    try {
      const player = await fast.player();
      const round = await fast.start();
      const refusal = await eventually(async () => {
        const code = await codeOf(fast.event(round, 4)).catch(() => undefined);
        const { state } = (await fast.game.round(round)).roundInfo;
        return state === 'sealed' ? code : false;
      });
      expect(refusal).toBe(2003);
      expect(await codeOf(fast.bet(player, round, 1, 1000n))).toBe(2005);
      await fast.event(round, 3);
      expect(await codeOf(fast.bet(player, round, 1, 1000n))).toBe(2003);
    } finally {
      await fast.close();
    }
  });

  it('ends bets on the clock of the database, while the round still says betting', async () => {
    const fast = await openTable({ bettingSeconds: 1 });
    try {
      const player = await fast.player();
      const round = await fast.start();
      await fast.bet(player, round, 1, 1000n);
      await eventually(async () => {
        const { rows } = await fast.database.query<{ due: boolean }>(
          'SELECT deadline_at <= clock_timestamp() AS due FROM rounds',
        );
        return rows[0]?.due;
      });
      expect(await codeOf(fast.bet(player, round, 1, 1000n))).toBe(2005);
      expect((await fast.game.round(round)).roundInfo.state).toBe('betting');
    } finally {
      await fast.close();
    }
  });

  it('is moved forward by the dealer, never back', async () => {
    const round = await table.start();
    await table.event(round, 2);
    const { roundInfo } = await table.game.round(round);
    expect(roundInfo.betStopTimeMs).toBeLessThan(roundInfo.betStartTimeMs + 45_000);
    expect(await codeOf(table.bet(await table.player(), round, 1, 1000n))).toBe(2003);
  });
});
