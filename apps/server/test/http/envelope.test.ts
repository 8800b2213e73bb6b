import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTable } from '../game/table.ts';
import { openDoor, type Door } from './door.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let door: Door;
beforeAll(async () => {
  door = await openDoor();
});
afterAll(() => door.close());

describe('every answer', () => {
  it('has the five fields, the exact content type and raw UTF-8', async () => {
    const answer = await door.call('GET', '/api/round/none');
    expect(answer.status).toBe(404);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(answer.text).toMatch(
      /^\{"code":4004,"message":"游戏回合不存在","trace_id":"[^"]+","timestamp":\d{13}\}$/,
    );
    expect(Math.abs(answer.json.timestamp - Date.now())).toBeLessThan(60_000);
  });

  it('carries the request id of the caller, in the body and in the header', async () => {
    const { json, headers } = await door.call('GET', '/api/round/none', {
      headers: { 'x-request-id': 'my-id.7' },
    });
    expect([json.trace_id, headers['x-request-id']]).toEqual(['my-id.7', 'my-id.7']);
  });

  it.each(['', 'x'.repeat(65), 'with blank', 'quote"', 'null\u0007', 'é'])(
    'has a new UUID where the request id is %j',
    async (given) => {
      const { json, headers } = await door.call('GET', '/api/round/none', {
        headers: { 'x-request-id': given },
      });
      expect(json.trace_id).toMatch(uuid);
      expect(headers['x-request-id']).toBe(json.trace_id);
    },
  );

  it.each([
    ['GET', '/'],
    ['GET', '/api/nothing'],
    ['GET', '/api/bet'],
    ['PUT', '/api/bet'],
    ['DELETE', '/api/user/balance'],
    ['POST', '/healthz'],
    ['POST', '/api/bet/'],
  ])('to %s %s is 404 in the envelope', async (method, url) => {
    const { status, json } = await door.call(method, url);
    expect([status, json.code, json.message]).toEqual([404, 1000, 'not found']);
  });

  it.each(['/api/round/%zz', '/api/round/%E9%BE', `/api/round/${'x'.repeat(2000)}`, '/api/round/a%00b'])(
    'to the odd path %s is an envelope',
    async (url) => {
      const { status, json } = await door.call('GET', url);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(json.code).toBeGreaterThanOrEqual(1000);
    },
  );

  it('to a content type that is none is 400 in the envelope', async () => {
    const { status, json } = await door.call('POST', '/api/bet', { body: '{}', contentType: 'nonsense' });
    expect([status, json.code]).toEqual([400, 1000]);
  });
});

describe('a fault of the system', () => {
  it('is 5000 without a word of its cause, which is in the log', async () => {
    const table = await openTable();
    const broken = await openDoor({}, {}, table);
    await table.close();
    const { status, json, text } = await broken.call('GET', '/api/user/balance', {
      headers: { 'x-request-id': 't-9' },
    });
    expect([status, json.code, json.message]).toEqual([500, 5000, '系统繁忙，请稍后重试']);
    expect(text).not.toMatch(/pool|postgres|Error/i);
    expect(broken.log.join('')).toMatch(/^\[ERROR\] http: request failed trace=t-9 .*err=/m);
    const ready = await broken.call('GET', '/readyz');
    expect([ready.status, ready.text]).toEqual([503, 'the check failed']);
    expect((await broken.call('GET', '/healthz')).text).toBe('ok');
    await broken.close();
  });
});

describe('garbage', () => {
  it('never gets a 5xx, always an envelope, and changes nothing', async () => {
    const counts = async (): Promise<unknown> => {
      const tables = ['players', 'rounds', 'orders', 'transfers', 'outbox', 'round_audit'];
      const sql = tables.map((name) => `(SELECT count(*) FROM ${name}) AS ${name}`).join(', ');
      return (await door.table.database.query(`SELECT ${sql}`)).rows;
    };
    const before = await counts();
    const ids = [
      'game_id',
      'room_id',
      'game_round_id',
      'idempotency_key',
      'card_list',
      'transaction_id',
      'amount',
    ];
    const record = fc.dictionary(
      fc.constantFrom(...ids, 'bet_amount', 'play_type', 'event_type', 'draw_time', 'x'),
      fc.oneof(
        fc.jsonValue({ maxDepth: 1 }),
        fc.string({ unit: 'binary' }),
        fc.constantFrom('r', '1', '5', 'D5,T3,Rd'),
      ),
    );
    // Event 1 with a usable round is the one call here that may do something.
    const harmless = record.filter((body) => body['event_type'] !== 1);
    const body = fc.oneof(
      harmless.map((value) => JSON.stringify(value)),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    );
    const url = fc.constantFrom('/api/bet', '/api/game_event', '/api/drawresult', '/api/wallet/withdraw');
    const contentType = fc.constantFrom(
      'application/json',
      'application/x-www-form-urlencoded',
      'text/plain',
      'a/b; c="',
    );
    const headers = { authorization: 'Bearer dealer-token', 'x-platform-user-id': 'nobody' };
    await fc.assert(
      fc.asyncProperty(url, body, contentType, async (path, payload, type) => {
        const { status, json } = await door.call('POST', path, { headers, body: payload, contentType: type });
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
        expect(json).toMatchObject({
          code: expect.any(Number) as unknown,
          message: expect.any(String) as unknown,
        });
      }),
      { numRuns: 200 },
    );
    expect(await counts()).toEqual(before);
  }, 120_000);
});
