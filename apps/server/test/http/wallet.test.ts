import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDoor, type Answer, type Door } from './door.ts';

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

const outcome = ({ status, json }: Answer): [number, number, string] => [status, json.code, json.message];
const move = (kind: 'deposit' | 'withdraw', user: string, body: unknown): Promise<Answer> =>
  door.play('POST', `/api/wallet/${kind}`, user, body);

describe('money of a player', () => {
  it('comes in and goes out, each transaction once', async () => {
    const paid = await move('deposit', 'ann', { transaction_id: 't/1 龙', amount: '100.5' });
    expect(paid.json.data).toEqual({
      transaction_id: 't/1 龙',
      balance: '100.50',
      created_at: expect.any(Number) as unknown,
    });
    const taken = await move('withdraw', 'ann', { transaction_id: 't2', amount: '0.51' });
    expect(taken.json.data).toMatchObject({ balance: '99.99' });
    const again = await move('deposit', 'ann', { transaction_id: 't/1 龙', amount: '100.50' });
    expect(again.json.data).toEqual(paid.json.data);
    expect((await door.play('GET', '/api/user/balance', 'ann')).json.data).toMatchObject({
      balance: '99.99',
    });

    const found = await door.play('GET', `/api/wallet/transactions/${encodeURIComponent('t/1 龙')}`, 'ann');
    expect(found.json.data).toEqual({
      transaction_id: 't/1 龙',
      type: 'deposit',
      amount: '100.50',
      balance: '100.50',
      currency: 'CNY',
      created_at: paid.json.data?.['created_at'],
    });
  });

  it('is not moved by a used id with other fields', async () => {
    await move('deposit', 'bob', { transaction_id: 't', amount: '10' });
    for (const [kind, amount] of [
      ['deposit', '11'],
      ['withdraw', '10'],
    ] as const) {
      expect(outcome(await move(kind, 'bob', { transaction_id: 't', amount }))).toEqual([
        409,
        2002,
        '重复的请求',
      ]);
    }
  });

  it('cannot be taken where there is too little', async () => {
    await move('deposit', 'cid', { transaction_id: 't', amount: '10' });
    const answer = await move('withdraw', 'cid', { transaction_id: 'u', amount: '10.01' });
    expect(outcome(answer)).toEqual([400, 2007, '余额不足']);
  });

  it('a transaction is found by its own player only', async () => {
    await move('deposit', 'dan', { transaction_id: 'mine', amount: '10' });
    const answer = await door.play('GET', '/api/wallet/transactions/mine', 'eve');
    expect(outcome(answer)).toEqual([404, 4004, '交易不存在']);
  });

  it.each<[string, unknown, string]>([
    ['no id', { amount: '1' }, 'missing or invalid fields'],
    ['no amount', { transaction_id: 't' }, 'missing or invalid fields'],
    ['a long id', { transaction_id: 'x'.repeat(129), amount: '1' }, 'invalid request'],
    ['a number as id', { transaction_id: 1, amount: '1' }, 'transaction_id must be a string'],
    ['a number as amount', { transaction_id: 't', amount: 1 }, 'amount must be a string'],
    [
      'three decimals',
      { transaction_id: 't', amount: '1.001' },
      'amount must be numeric with up to 2 decimals',
    ],
    ['a sign', { transaction_id: 't', amount: '-1' }, 'amount must be numeric with up to 2 decimals'],
    ['nothing', { transaction_id: 't', amount: '0.00' }, 'amount must be positive'],
    [
      'too much',
      { transaction_id: 't', amount: '1000000000000.01' },
      'amount exceeds maximum limit: 1000000000000',
    ],
    ['a list', [], 'invalid json body'],
  ])('is not moved by %s', async (_, body, message) => {
    for (const kind of ['deposit', 'withdraw'] as const) {
      expect(outcome(await move(kind, 'fay', body))).toEqual([400, 1000, message]);
    }
  });
});
