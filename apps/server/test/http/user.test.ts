import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, type Answer, type Door } from './door.ts';

let door: Door;
let rounds: string[];
beforeAll(async () => {
  door = await openDoor();
  await door.play('POST', '/api/wallet/deposit', 'ann', { transaction_id: 'first', amount: '1000' });
  rounds = [];
  for (let i = 0; i < 5; i += 1) {
    const id = await door.round();
    rounds.push(id);
    const ids = { game_id: id, room_id: id, game_round_id: id };
    const answer = await door.play('POST', '/api/bet', 'ann', {
      ...ids,
      bet_amount: `${i + 1}`,
      play_type: 3,
      idempotency_key: id,
    });
    expect(answer.json.code).toBe(0);
  }
  await door.events(rounds[0] ?? '', 2, 3, 4);
  await door.deal('/api/drawresult', { game_round_id: rounds[0], card_list: 'D6,T6,Rtie' });
});
afterAll(() => door.close());

const bets = (query: string, user = 'ann'): Promise<Answer> =>
  door.play('GET', `/api/user/bets${query}`, user);
const amounts = ({ json }: Answer): unknown[] =>
  (json.data?.['list'] as { bet_amount: string }[]).map((bet) => bet.bet_amount);

describe('the bets of a player', () => {
  it('come newest first, with everything a record has', async () => {
    const { json } = await bets('');
    expect(json.data).toMatchObject({ page: 1, page_size: 10, total: 5 });
    expect(json.data).not.toHaveProperty('next_cursor');
    const list = json.data?.['list'] as Record<string, unknown>[];
    expect(list).toHaveLength(5);
    expect(list[4]).toEqual({
      bill_no: expect.stringMatching(/^DT/) as unknown,
      game_round_id: rounds[0],
      play_type: 3,
      bet_status: 2,
      bill_status: 2,
      game_result: 3,
      bet_amount: '1.00',
      win_amount: '9.00',
      bet_odds: 8,
      bet_time: expect.any(Number) as unknown,
      created_at: expect.any(Number) as unknown,
      updated_at: expect.any(Number) as unknown,
    });
    expect(list[0]).toMatchObject({ bill_status: 1, game_result: 0, bet_amount: '5.00', win_amount: '0.00' });
  });

  it('come in pages, by number or by cursor', async () => {
    expect(amounts(await bets('?page=2&page_size=2'))).toEqual(['3.00', '2.00']);
    const first = await bets('?page_size=3');
    expect(amounts(first)).toEqual(['5.00', '4.00', '3.00']);
    const second = await bets(`?page_size=3&cursor=${String(first.json.data?.['next_cursor'])}`);
    expect(amounts(second)).toEqual(['2.00', '1.00']);
    expect((await bets('?page_size=1000')).json.data).toMatchObject({ page_size: 100 });
  });

  it('can be those of one round', async () => {
    const { json } = await bets(`?page=1&page_size=10&game_round_id=${rounds[2]}`);
    expect(json.data).toMatchObject({ total: 1, list: [{ game_round_id: rounds[2] }] });
  });

  it('are nobody else’s', async () => {
    expect((await bets('', 'bob')).json.data).toMatchObject({ list: [], total: 0 });
  });

  it.each([
    ['?page=0', 'page must be 1 to 1000000'],
    ['?page=x', 'page must be an integer'],
    ['?page_size=-1', 'page_size must be at least 1'],
    ['?page_size=1.5', 'page_size must be an integer'],
    [`?game_round_id=${'x'.repeat(65)}`, 'invalid request'],
    ['?game_round_id=%00', 'game_round_id has characters that are not allowed'],
    ['?cursor=nonsense', 'cursor is not one of ours'],
  ])('asked for with %s are refused', async (query, message) => {
    const { status, json } = await bets(query);
    expect([status, json.code, json.message]).toEqual([400, 1000, message]);
  });
});

it('the balance of a player nobody has seen is nothing', async () => {
  const { json } = await door.play('GET', '/api/user/balance', 'never-seen');
  expect(json.data).toEqual({ balance: '0.00', currency: 'CNY', updated_at: 0 });
});
