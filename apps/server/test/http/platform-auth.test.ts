import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTable, type Table } from '../game/table.ts';
import { openDoor, PLATFORM, signed, type Answer, type Door } from './door.ts';

const disabled = { ...PLATFORM, platform_id: 8, app_key: 'disabled', status: 0 };
const listed = {
  ...PLATFORM,
  platform_id: 9,
  app_key: 'listed',
  allowed_ips: ['10.0.0.7', '192.168.0.0/16', 'fd00::/8'],
};
const settings = { 'auth.demo_mode': false, 'auth.platforms': [PLATFORM, disabled, listed] };

let table: Table;
let door: Door;
beforeAll(async () => {
  table = await openTable();
  door = await openDoor(settings, {}, table);
});
afterAll(async () => {
  await door.close();
  await table.close();
});

const outcome = ({ status, json }: Answer): [number, number, string] => [status, json.code, json.message];
const ok = [200, 0, 'success'];
const balance = (headers: Record<string, string>, remoteAddress?: string): Promise<Answer> =>
  door.call('GET', '/api/user/balance', { headers, ...(remoteAddress !== undefined && { remoteAddress }) });
const now = (): number => Math.floor(Date.now() / 1000);

describe('a signed call', () => {
  it('is let in, as the player it names', async () => {
    const body = JSON.stringify({ transaction_id: 't-1', amount: '100.00' });
    const headers = signed({ method: 'POST', path: '/api/wallet/deposit', body });
    const paid = await door.call('POST', '/api/wallet/deposit', {
      headers,
      body,
      contentType: 'application/json',
    });
    expect(outcome(paid)).toEqual(ok);
    expect((await balance(signed())).json.data).toMatchObject({ balance: '100.00' });
    expect((await balance(signed({ userId: 'p-78' }))).json.data).toMatchObject({ balance: '0.00' });
    const { rows } = await table.database.query('SELECT platform_id, platform_user_id FROM players');
    expect(rows).toEqual([{ platform_id: 7, platform_user_id: 'p-77' }]);
  });

  it('in the second scheme is bound to its method and path with query', async () => {
    const path = '/api/user/bets?page=1&page_size=10';
    expect(outcome(await door.call('GET', path, { headers: signed({ version: 2, path }) }))).toEqual(ok);
    const elsewhere = await door.call('GET', '/api/user/bets?page=2', {
      headers: signed({ version: 2, path }),
    });
    expect(outcome(elsewhere)).toEqual([401, 3004, '签名验证失败']);
    const unknown = { ...signed({ version: 2, path }), 'x-signature-version': '3' };
    expect(outcome(await door.call('GET', path, { headers: unknown }))).toEqual([401, 3004, '签名验证失败']);
  });

  it('may carry a content type on GET', async () => {
    expect(outcome(await balance({ ...signed(), 'content-type': 'application/json' }))).toEqual(ok);
  });

  it('covers the bytes of the body as they came', async () => {
    const body = '{ "transaction_id" : "t-spaces",\n"amount":"1.00" }';
    const url = '/api/wallet/deposit';
    const send = (sent: string): Promise<Answer> =>
      door.call('POST', url, { headers: signed({ body }), body: sent, contentType: 'application/json' });
    expect(outcome(await send(body))).toEqual(ok);
    expect(outcome(await send(body.replace(' ', '')))).toEqual([401, 3004, '签名验证失败']);
  });

  it.each(['x-platform-key', 'x-timestamp', 'x-nonce', 'x-signature'])('without %s is 3000', async (name) => {
    for (const value of [undefined, '', '  ']) {
      const headers = signed();
      delete headers[name];
      const answer = await balance({ ...headers, ...(value !== undefined && { [name]: value }) });
      expect(outcome(answer)).toEqual([401, 3000, '缺少认证信息']);
    }
  });

  it('is good for 300 s before and after', async () => {
    expect(outcome(await balance(signed({ timestamp: now() - 295 })))).toEqual(ok);
    expect(outcome(await balance(signed({ timestamp: now() + 295 })))).toEqual(ok);
    for (const timestamp of [now() - 305, now() + 305, now() * 1000, 'now', '1e9', '-1', '0x10']) {
      expect(outcome(await balance(signed({ timestamp })))).toEqual([401, 3005, '时间戳已过期']);
    }
  });

  it.each<[string, Parameters<typeof signed>[0], number, number, string]>([
    ['of an unknown key', { appKey: 'nobody' }, 401, 3007, '无效的平台'],
    ['of a disabled platform', { appKey: 'disabled' }, 403, 3008, '平台已禁用'],
    ['from an address that is not listed', { appKey: 'listed' }, 403, 3010, 'IP不在白名单'],
    ['with another secret', { secret: 'wrong' }, 401, 3004, '签名验证失败'],
    ['without a player', { userId: '' }, 400, 1000, 'X-Platform-User-Id is required'],
    ['with a bad player', { userId: 'a b' }, 400, 1000, 'invalid platform_user_id format'],
    ['with a long player', { userId: 'x'.repeat(65) }, 400, 1000, 'invalid platform_user_id format'],
    [
      'of a disabled platform with another secret',
      { appKey: 'disabled', secret: 'wrong' },
      403,
      3008,
      '平台已禁用',
    ],
    ['without a player and with another secret', { userId: '', secret: 'wrong' }, 401, 3004, '签名验证失败'],
    ['too old, of an unknown key', { appKey: 'nobody', timestamp: 1 }, 401, 3005, '时间戳已过期'],
  ])('%s is refused, and its nonce is used up', async (_, options, ...expected) => {
    const nonce = randomUUID();
    const first = await balance(signed({ ...options, nonce }));
    expect(outcome(first)).toEqual(expected);
    const again = await balance(signed({ ...options, nonce }));
    const isTooOld = expected[1] === 3005;
    expect(outcome(again)).toEqual(isTooOld ? expected : [401, 3006, 'Nonce已被使用']);
  });

  it('with an upper-case signature is refused', async () => {
    const headers = signed();
    const upper = { ...headers, 'x-signature': headers['x-signature']?.toUpperCase() ?? '' };
    expect(outcome(await balance(upper))).toEqual([401, 3004, '签名验证失败']);
  });

  it('sent twice is let in once, on whatever instance, with a nonce of any length', async () => {
    const other = await openDoor(settings, {}, table);
    for (const nonce of ['n', 'x'.repeat(5000)]) {
      const headers = signed({ nonce });
      const answers = await Promise.all([
        ...Array.from({ length: 5 }, () => balance(headers)),
        ...Array.from({ length: 5 }, () => other.call('GET', '/api/user/balance', { headers })),
      ]);
      const codes = answers.map(({ json }) => json.code).sort();
      expect(codes).toEqual([0, ...Array.from({ length: 9 }, () => 3006)]);
      // A wrong signature over a used nonce is told about the nonce.
      expect((await balance(signed({ nonce, secret: 'wrong' }))).json.code).toBe(3006);
    }
    await other.close();
  });

  it('may use a nonce of another platform', async () => {
    const nonce = randomUUID();
    const fromListed = { appKey: 'listed', nonce };
    expect(outcome(await balance(signed({ nonce })))).toEqual(ok);
    expect(outcome(await balance(signed(fromListed), '10.0.0.7'))).toEqual(ok);
  });

  it('that is refused leaves nothing in the database', async () => {
    const count = async (): Promise<unknown> =>
      (await table.database.query('SELECT count(*)::int AS rows FROM nonces')).rows[0];
    const before = await count();
    for (let i = 0; i < 20; i += 1)
      await balance(signed({ appKey: i % 2 ? 'nobody' : PLATFORM.app_key, secret: 'wrong' }));
    expect(await count()).toEqual(before);
  });
});

describe('the address list of a platform', () => {
  it.each(['10.0.0.7', '192.168.3.4', '::ffff:10.0.0.7', 'fd00::1'])('lets %s in', async (address) => {
    expect(outcome(await balance(signed({ appKey: 'listed' }), address))).toEqual(ok);
  });

  it.each(['10.0.0.8', '192.169.0.1', '::1'])('keeps %s out', async (address) => {
    expect((await balance(signed({ appKey: 'listed' }), address)).json.code).toBe(3010);
  });

  it('does not believe a header that nobody trusted', async () => {
    const forged = { 'x-real-ip': '10.0.0.7', 'x-forwarded-for': '10.0.0.7' };
    expect((await balance({ ...signed({ appKey: 'listed' }), ...forged }, '10.9.9.9')).json.code).toBe(3010);
  });
});

describe('the player in demo mode', () => {
  let demo: Door;
  beforeAll(async () => {
    demo = await openDoor({}, {}, table);
    const deposit = { transaction_id: 'demo', amount: '5.00' };
    for (const user of ['by-header', 'by-query', '龙 7', 'demo_user_001']) {
      await demo.call('POST', `/api/wallet/deposit?user_id=${encodeURIComponent(user)}`, { body: deposit });
    }
  });
  afterAll(() => demo.close());
  const ask = (query: string, headers: Record<string, string> = {}): Promise<Answer> =>
    demo.call('GET', `/api/user/balance${query}`, { headers });

  it('is that of the header, else of the query, else one for all', async () => {
    expect((await ask('?user_id=nobody', { 'x-platform-user-id': 'by-header' })).json.data?.['balance']).toBe(
      '5.00',
    );
    expect((await ask('?user_id=by-query')).json.data?.['balance']).toBe('5.00');
    expect((await ask('')).json.data?.['balance']).toBe('5.00');
    expect((await ask('?user_id=nobody')).json.data?.['balance']).toBe('0.00');
  });

  it('may have any name that can be stored', async () => {
    const bytes = Buffer.from('龙 7').toString('latin1');
    expect((await ask('', { 'x-platform-user-id': bytes })).json.data?.['balance']).toBe('5.00');
    expect((await ask(`?user_id=${'x'.repeat(65)}`)).json.message).toBe('invalid platform_user_id format');
    expect((await ask('?user_id=a%00b')).json.message).toBe('invalid platform_user_id format');
  });

  it('needs no signature, and a wrong one does not matter', async () => {
    const page = {
      'x-platform-key': 'demo_platform',
      'x-timestamp': '1',
      'x-nonce': 'nonce_1',
      'x-signature': 'dummy',
    };
    for (let i = 0; i < 2; i += 1) {
      expect(
        outcome(await ask('', { ...page, 'x-platform-user-id': '9999', 'content-type': 'application/json' })),
      ).toEqual(ok);
    }
  });
});
