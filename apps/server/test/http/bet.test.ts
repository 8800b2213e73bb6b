import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, type Answer, type Door } from './door.ts';

let door: Door;
let round: string;
beforeAll(async () => {
  door = await openDoor();
  round = await door.round();
  await door.play('POST', '/api/wallet/deposit', 'rich', { transaction_id: 'first', amount: '100000' });
});
afterAll(() => door.close());

const betOf = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  game_id: round,
  room_id: round,
  game_round_id: round,
  bet_amount: '25.50',
  play_type: 3,
  idempotency_key: `bet_${randomUUID()}`,
  ...changes,
});
const bet = (body: unknown, userId = 'rich'): Promise<Answer> => door.play('POST', '/api/bet', userId, body);
const outcome = ({ status, json }: Answer): [number, number, string] => [status, json.code, json.message];

describe('a bet', () => {
  it('answers with the bill and the balance after it', async () => {
    const before = await door.play('GET', '/api/user/balance', 'rich');
    const answer = await bet(betOf({ bet_amount: '30.00', play_type: 1 }));
    expect(outcome(answer)).toEqual([200, 0, 'success']);
    const cents = (text: unknown): number => Math.round(Number(text) * 100);
    expect(answer.json.data).toEqual({
      bill_no: expect.stringMatching(/^DT\d{18}[0-9A-F]{3}$/) as unknown,
      remain_amount: expect.stringMatching(/^\d+\.\d\d$/) as unknown,
    });
    expect(cents(answer.json.data?.['remain_amount'])).toBe(cents(before.json.data?.['balance']) - 3000);
  });

  it('sent again is answered byte for byte, with the first trace, even after the round has moved on', async () => {
    const own = await door.round();
    const body = betOf({ game_id: own, room_id: own, game_round_id: own });
    const send = (trace: string): Promise<Answer> =>
      door.call('POST', '/api/bet', {
        body,
        headers: { 'x-platform-user-id': 'rich', 'x-request-id': trace },
      });
    const first = await send('trace-1');
    await bet(betOf({ game_id: own, room_id: own, game_round_id: own }));
    const second = await send('trace-2');
    await door.events(own, 2, 3, 4);
    const third = await send('trace-3');
    expect(first.json).toMatchObject({ code: 0, trace_id: 'trace-1' });
    expect([second.text, third.text]).toEqual([first.text, first.text]);
    expect(third.headers['x-request-id']).toBe('trace-3');
  });

  it('sent many times at once is placed once, and all get the same bytes', async () => {
    const body = betOf({ bet_amount: '1.00' });
    const before = await door.play('GET', '/api/user/balance', 'rich');
    const answers = await Promise.all(Array.from({ length: 20 }, () => bet(body)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const after = await door.play('GET', '/api/user/balance', 'rich');
    expect(Number(before.json.data?.['balance']) - Number(after.json.data?.['balance'])).toBeCloseTo(1, 5);
  });

  it('with a used key and another body is refused', async () => {
    const body = betOf();
    await bet(body);
    expect(outcome(await bet({ ...body, bet_amount: '26.50' }))).toEqual([409, 2002, '重复的请求']);
  });

  it('keeps keys of different players apart', async () => {
    await door.play('POST', '/api/wallet/deposit', 'other', { transaction_id: 'first', amount: '100' });
    const body = betOf();
    const bills = [await bet(body), await bet(body, 'other')].map(({ json }) => json.data?.['bill_no']);
    expect(new Set(bills).size).toBe(2);
  });

  it('comes in as a form or a query just as well', async () => {
    const form = new URLSearchParams(betOf() as Record<string, string>).toString();
    const asForm = await door.call('POST', '/api/bet', {
      body: `${form}&user_id=rich`,
      contentType: 'application/x-www-form-urlencoded',
    });
    expect(outcome(asForm)).toEqual([200, 0, 'success']);
    const query = new URLSearchParams(betOf() as Record<string, string>).toString();
    expect(outcome(await door.call('POST', `/api/bet?${query}&user_id=rich`))).toEqual([200, 0, 'success']);
  });

  it('may have fields nobody knows', async () => {
    expect(outcome(await bet(betOf({ platform: 1, colour: 'red', ['__proto__']: 1 })))).toEqual([
      200,
      0,
      'success',
    ]);
  });
});

describe('what is refused', () => {
  const long = 'x'.repeat(65);
  const missing = 'missing or invalid fields';
  const notNumeric = 'bet_amount must be numeric with up to 2 decimals';
  it.each<[string, Record<string, unknown>, number, number, string]>([
    ['no game', { game_id: undefined }, 400, 1000, missing],
    ['an empty room', { room_id: '' }, 400, 1000, missing],
    ['null for the round', { game_round_id: null }, 400, 1000, missing],
    ['no amount', { bet_amount: undefined }, 400, 1000, missing],
    ['no play type', { play_type: undefined }, 400, 1000, missing],
    ['play type 0', { play_type: 0 }, 400, 1000, missing],
    ['no key', { idempotency_key: '' }, 400, 1000, missing],
    ['a missing field before a long one', { game_id: long, room_id: '' }, 400, 1000, missing],
    ['a long game', { game_id: long }, 400, 1000, 'invalid request'],
    ['a long key in bytes', { idempotency_key: '龙'.repeat(22) }, 400, 1000, 'invalid request'],
    ['a long amount', { bet_amount: '1'.repeat(33) }, 400, 1000, 'invalid request'],
    [
      'a long round before a wrong play type',
      { game_round_id: long, play_type: 4 },
      400,
      1000,
      'invalid request',
    ],
    ['play type 4', { play_type: 4 }, 400, 1000, 'play_type must be 1|2|3'],
    ['play type -1', { play_type: -1 }, 400, 1000, 'play_type must be 1|2|3'],
    ['play type 10 on a table without it', { play_type: 10 }, 400, 1000, 'play_type must be 1|2|3'],
    [
      'a wrong play type before a wrong amount',
      { play_type: 5, bet_amount: 'x' },
      400,
      1000,
      'play_type must be 1|2|3',
    ],
    ...['-1', '+1', '1.234', '01', '1.', '.5', '1e2', '1,000', ' 1', 'NaN', '１'].map(
      (amount): [string, Record<string, unknown>, number, number, string] => [
        `the amount ${amount}`,
        { bet_amount: amount },
        400,
        1000,
        notNumeric,
      ],
    ),
    ['the amount 0', { bet_amount: '0' }, 400, 1000, 'bet amount must be positive'],
    ['the amount 0.00', { bet_amount: '0.00' }, 400, 1000, 'bet amount must be positive'],
    ['a cent too much', { bet_amount: '1000000.01' }, 400, 1000, 'bet amount exceeds maximum limit: 1000000'],
    ['an amount as a number', { bet_amount: 25.5 }, 400, 1000, 'bet_amount must be a string'],
    ['a game as a number', { game_id: 1 }, 400, 1000, 'game_id must be a string'],
    ['a play type as text', { play_type: '1' }, 400, 1000, 'play_type must be an integer'],
    ['a play type with a fraction', { play_type: 1.5 }, 400, 1000, 'play_type must be an integer'],
    [
      'a key with a zero',
      { idempotency_key: 'a\0b' },
      400,
      1000,
      'idempotency_key has characters that are not allowed',
    ],
    [
      'half a character',
      { idempotency_key: '\ud800' },
      400,
      1000,
      'idempotency_key has characters that are not allowed',
    ],
    ['another room', { room_id: 'elsewhere' }, 400, 1000, 'room_id is not that of the round'],
    ['too little money', { bet_amount: '999999' }, 400, 2007, '余额不足'],
    ['an unknown round', { game_round_id: 'nowhere' }, 404, 4004, '游戏回合不存在'],
  ])('%s', async (_, changes, ...expected) => {
    expect(outcome(await bet(betOf(changes)))).toEqual(expected);
  });

  it.each(['', '{', 'null', '[]', '"text"', '{"game_id":1,}', 'game_id=1'])(
    'a body that is no JSON object: %j',
    async (body) => {
      const answer = await door.call('POST', '/api/bet', { body, contentType: 'application/json' });
      expect(outcome(answer)).toEqual([400, 1000, 'invalid json body']);
    },
  );

  it('a body that is not UTF-8', async () => {
    const body = Buffer.from(JSON.stringify(betOf({ idempotency_key: 'é' })), 'latin1');
    const answer = await door.call('POST', '/api/bet', { body, contentType: 'application/json' });
    expect(outcome(answer)).toEqual([400, 1000, 'invalid json body']);
  });

  it('a body of more than 1 MiB', async () => {
    const fits = JSON.stringify(betOf({ padding: '' }));
    const padded = (total: number): string =>
      fits.replace('"padding":""', `"padding":"${'x'.repeat(total - fits.length)}"`);
    const send = (body: string): Promise<Answer> =>
      door.call('POST', '/api/bet', {
        body,
        contentType: 'application/json',
        headers: { 'x-platform-user-id': 'rich' },
      });
    expect(outcome(await send(padded(1024 * 1024)))).toEqual([200, 0, 'success']);
    expect(outcome(await send(padded(1024 * 1024 + 1)))).toEqual([400, 1000, 'invalid json body']);
  });

  it('tiger after dragon, but not tie', async () => {
    const own = await door.round();
    const here = (playType: number): Promise<Answer> =>
      bet(betOf({ game_id: own, room_id: own, game_round_id: own, play_type: playType }));
    expect(outcome(await here(1))).toEqual([200, 0, 'success']);
    expect(outcome(await here(2))).toEqual([409, 2006, '不能同时投注龙和虎']);
    expect(outcome(await here(3))).toEqual([200, 0, 'success']);
  });

  it('a bet after the dealer stopped', async () => {
    const own = await door.round();
    await door.events(own, 2);
    const answer = await bet(betOf({ game_id: own, room_id: own, game_round_id: own }));
    expect(outcome(answer)).toEqual([409, 2003, '当前状态不允许此操作']);
  });
});
