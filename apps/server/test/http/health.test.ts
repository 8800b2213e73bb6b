import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildHttp } from '../../src/http/index.ts';
import { createLog } from '../../src/log/index.ts';
import { openTable, type Table } from '../game/table.ts';
import { configOf, openDoor, type Door } from './door.ts';

let table: Table;
let door: Door;
beforeAll(async () => {
  table = await openTable();
  door = await openDoor({}, {}, table);
});
afterAll(async () => {
  await door.close();
  await table.close();
});

describe('health', () => {
  it('is told in plain text', async () => {
    for (const [url, text] of [
      ['/healthz', 'ok'],
      ['/readyz', 'ready'],
    ] as const) {
      const answer = await door.call('GET', url);
      expect([answer.status, answer.text]).toEqual([200, text]);
      expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
    }
  });

  it('is not ready with the reason', async () => {
    const readiness = async () => ({ ready: false as const, reason: 'the database is being migrated' });
    const waiting = await openDoor({}, { readiness }, table);
    const answer = await waiting.call('GET', '/readyz');
    expect([answer.status, answer.text]).toEqual([503, 'the database is being migrated']);
    await waiting.close();
  });
});

describe('an instance that takes no calls', () => {
  it('is watched like any other, and knows no path of the game', async () => {
    const { database } = table;
    const log = createLog({ level: 'error' });
    const app = buildHttp({ config: configOf({}), database, log, registry: new Registry() });
    const ask = async (url: string): Promise<number> => (await app.inject({ url })).statusCode;
    expect([await ask('/healthz'), await ask('/readyz'), await ask('/metrics')]).toEqual([200, 200, 200]);
    expect([await ask('/api/user/balance'), await ask('/api/round/one')]).toEqual([404, 404]);
    await app.close();
  });
});

describe('health of the outbox', () => {
  it('is told in plain text, and is no matter of readiness', async () => {
    let healthy = true;
    const outboxHealth = async () => ({
      healthy,
      text: healthy ? 'ok: no message waits' : '3 messages wait',
    });
    const watched = await openDoor({}, { outboxHealth }, table);
    const good = await watched.call('GET', '/healthz/outbox');
    expect([good.status, good.text, good.headers['content-type']]).toEqual([
      200,
      'ok: no message waits',
      'text/plain; charset=utf-8',
    ]);
    healthy = false;
    const bad = await watched.call('GET', '/healthz/outbox');
    expect([bad.status, bad.text]).toEqual([503, '3 messages wait']);
    expect((await watched.call('GET', '/readyz')).status).toBe(200);
    await watched.close();
  });

  it('is bad, without the cause, when it cannot be told', async () => {
    const outboxHealth = () => Promise.reject(new Error('connect to secret-host failed'));
    const watched = await openDoor({}, { outboxHealth }, table);
    const answer = await watched.call('GET', '/healthz/outbox');
    expect([answer.status, answer.text]).toEqual([503, 'the check failed']);
    await watched.close();
  });
});

describe('metrics', () => {
  it('count calls by route, and bets, results and events by code', async () => {
    await door.play('POST', '/api/bet', 'a', {});
    await door.deal('/api/drawresult', { game_round_id: 'none', card_list: 'D5,T3,Rd' });
    await door.deal('/api/game_event', { game_round_id: 'none', event_type: 2 });
    await door.call('GET', '/api/round/one');
    await door.call('GET', '/api/round/two');
    await door.call('GET', '/nothing-here');
    const { text, headers } = await door.call('GET', '/metrics');
    expect(headers['content-type']).toContain('text/plain');
    for (const line of [
      'http_requests_total{method="POST",route="/api/bet",status="400"} 1',
      'http_requests_total{method="GET",route="/api/round/:roundId",status="404"} 2',
      'http_requests_total{method="GET",route="none",status="404"} 1',
      'bet_requests_total{code="1000"} 1',
      'draw_requests_total{code="4004"} 1',
      'game_event_total{code="4004"} 1',
      'http_request_duration_ms_count{method="POST",route="/api/bet"} 1',
      'bet_request_duration_ms_count 1',
      'draw_request_duration_ms_count 1',
      'game_event_duration_ms_count 1',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain('nothing-here');
  });
});
