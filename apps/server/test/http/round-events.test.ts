import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, type Answer, type Door } from './door.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor();
  await door.play('POST', '/api/wallet/deposit', '9999', { transaction_id: 'first', amount: '1000' });
});
afterAll(() => door.close());

const outcome = ({ status, json }: Answer): [number, number, string] => [status, json.code, json.message];
const ok = [200, 0, 'success'];
const event = (id: string, type: unknown, more: object = {}): Promise<Answer> =>
  door.deal('/api/game_event', { game_round_id: id, event_type: type, ...more });
const draw = (id: string, cards: unknown, more: object = {}): Promise<Answer> =>
  door.deal('/api/drawresult', { game_round_id: id, card_list: cards, ...more });
const newId = (): string => `round_${randomUUID()}`;

describe('a round', () => {
  it('goes through its life and pays', async () => {
    const id = newId();
    const started = await event(id, 1, { game_id: 'g', room_id: id });
    expect(outcome(started)).toEqual(ok);
    const { bet_start_time: startMs, bet_stop_time: stopMs, ...rest } = started.json.data ?? {};
    expect(Number(stopMs) - Number(startMs)).toBe(45_000);
    expect(rest).toEqual({ countdown_second: 45, game_round_id: id, game_id: 'g', room_id: id });

    const bet = {
      game_id: 'g',
      room_id: id,
      game_round_id: id,
      bet_amount: '30.00',
      play_type: 1,
      idempotency_key: id,
    };
    expect((await door.play('POST', '/api/bet', '9999', bet)).json.data?.['remain_amount']).toBe('970.00');
    for (const type of [2, 3, 4]) {
      const answer = await event(id, type);
      expect(outcome(answer)).toEqual(ok);
      expect(answer.json).not.toHaveProperty('data');
    }
    expect(outcome(await draw(id, 'D12,T4,Rd', { draw_time: 1767225600000 }))).toEqual(ok);
    expect(outcome(await event(id, 5))).toEqual(ok);

    const balance = await door.play('GET', '/api/user/balance', '9999');
    expect(balance.json.data).toEqual({
      balance: '1029.10',
      currency: 'CNY',
      updated_at: expect.any(Number) as unknown,
    });
    const { json } = await door.call('GET', `/api/round/${id}`);
    expect(json.data).toMatchObject({
      round_info: {
        game_round_id: id,
        game_id: 'g',
        room_id: id,
        game_status: 7,
        state: 'ended',
        is_settled: true,
      },
      draw_result: {
        game_result: 1,
        game_result_str: 'dragon',
        total_orders: 1,
        total_stake: '30.00',
        total_payout: '59.10',
      },
    });
  });

  it('answers a repeated event as the first time, and the same cards again with success', async () => {
    const id = newId();
    const first = await event(id, 1, { game_id: 'g', room_id: id });
    const again = await event(id, 1, { game_id: 'g', room_id: id });
    expect(again.json.data).toEqual(first.json.data);
    for (const type of [2, 2, 3, 4, 2]) expect(outcome(await event(id, type))).toEqual(ok);
    for (const cards of ['D5,T3,RDragon', 't3 , d5 , rdragon'])
      expect(outcome(await draw(id, cards))).toEqual(ok);
    expect(outcome(await draw(id, 'D3,T5,Rt'))).toEqual([409, 2008, '当前状态不允许开奖']);
  });

  it('without a result has no draw_result', async () => {
    const id = await door.round();
    const { json } = await door.call('GET', `/api/round/${id}`);
    expect(json.data).toMatchObject({ round_info: { game_status: 2, is_settled: false } });
    expect(json.data).not.toHaveProperty('draw_result');
  });

  it('may be sent as a form', async () => {
    const id = newId();
    const answer = await door.call('POST', '/api/game_event', {
      headers: { authorization: 'Bearer dealer-token' },
      body: `game_round_id=${id}&event_type=1&game_id=g&room_id=${id}`,
      contentType: 'application/x-www-form-urlencoded; charset=UTF-8',
    });
    expect(outcome(answer)).toEqual(ok);
  });
});

describe('an event is refused', () => {
  const list = 'event_type must be one of: 1|2|3|4|5';
  it.each<[string, object, number, number, string]>([
    ['without a round', { event_type: 1 }, 400, 1000, 'invalid request'],
    ['with a long round', { game_round_id: 'x'.repeat(65), event_type: 1 }, 400, 1000, 'invalid request'],
    ['without a type', { game_round_id: 'r' }, 400, 1000, 'invalid request'],
    ['with type 0', { game_round_id: 'r', event_type: 0 }, 400, 1000, list],
    ['with type 6', { game_round_id: 'r', event_type: 6 }, 400, 1000, list],
    [
      'with a type as text',
      { game_round_id: 'r', event_type: '1' },
      400,
      1000,
      'event_type must be an integer',
    ],
    [
      'with a round as a number',
      { game_round_id: 7, event_type: 1 },
      400,
      1000,
      'game_round_id must be a string',
    ],
    ['for an unknown round', { game_round_id: 'unknown', event_type: 2 }, 404, 4004, '游戏回合不存在'],
  ])('%s', async (_, body, ...expected) => {
    expect(outcome(await door.deal('/api/game_event', body))).toEqual(expected);
  });

  it('out of order, and the round stays where it is', async () => {
    const id = await door.round();
    for (const type of [3, 4, 5]) {
      expect(outcome(await event(id, type))).toEqual([409, 2003, '当前状态不允许此操作']);
    }
    expect((await door.call('GET', `/api/round/${id}`)).json.data).toMatchObject({
      round_info: { game_status: 2 },
    });
  });

  it('when another round is open in the room, which is named', async () => {
    const id = await door.round();
    const { status, json } = await event(newId(), 1, { game_id: id, room_id: id });
    expect([status, json.code]).toEqual([409, 2003]);
    expect(json.message).toContain(id);
  });

  it.each(['', '{', '[]', 'null'])('with the body %j', async (body) => {
    const headers = { authorization: 'Bearer dealer-token' };
    for (const url of ['/api/game_event', '/api/drawresult']) {
      const answer = await door.call('POST', url, { headers, body, contentType: 'application/json' });
      expect(outcome(answer)).toEqual([400, 1000, 'invalid request']);
    }
  });
});

describe('a result is refused', () => {
  const unreadable = 'invalid card list format: unable to determine result';
  it.each<[string, unknown, number, number, string]>([
    ['without cards', '', 400, 1000, 'invalid request'],
    ['with cards as a list', ['D1', 'T2'], 400, 1000, 'card_list must be a string'],
    ['with 257 bytes', `D1,T2,R${'d'.repeat(250)}`, 400, 1000, 'invalid request'],
    ['with two tokens', 'D5,T3', 400, 1000, 'invalid card_list'],
    ['with a rank that is none', 'D14,T2,Rd', 400, 1000, unreadable],
    ['with one word', 'Dragon', 400, 1000, unreadable],
    ['for an unknown round', 'D5,T3,Rd', 404, 4004, '游戏回合不存在'],
  ])('%s', async (_, cards, ...expected) => {
    expect(outcome(await draw('unknown', cards))).toEqual(expected);
  });

  it('before the draw', async () => {
    expect(outcome(await draw(await door.round(), 'D5,T3,Rd'))).toEqual([409, 2008, '当前状态不允许开奖']);
  });

  it('when the stated winner is not that of the cards, with an audit entry', async () => {
    const id = await door.round();
    await door.events(id, 2, 3, 4);
    expect(outcome(await draw(id, 'D3,T9,Rdragon'))).toEqual([409, 2008, '当前状态不允许开奖']);
    const { rows } = await door.table.database.query('SELECT * FROM round_audit WHERE round_id = $1', [id]);
    expect(JSON.stringify(rows)).toContain('D3,T9,Rdragon');
  });

  it('with a draw time that is no number', async () => {
    const answer = await draw('r', 'D5,T3,Rd', { draw_time: 'now' });
    expect(outcome(answer)).toEqual([400, 1000, 'draw_time must be an integer']);
  });
});
