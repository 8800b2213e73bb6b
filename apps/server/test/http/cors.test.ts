import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTable, type Table } from '../game/table.ts';
import { openDoor, type Door } from './door.ts';

let table: Table;
let door: Door;
let closed: Door;
let anyone: Door;
beforeAll(async () => {
  table = await openTable();
  const origins = (list: string[]): Record<string, unknown> => ({
    'cors.enabled': true,
    'cors.allowed_origins': list,
  });
  door = await openDoor(origins(['http://localhost:3000']), {}, table);
  anyone = await openDoor(origins(['*']), {}, table);
  closed = await openDoor({}, {}, table);
});
afterAll(async () => {
  await Promise.all([door.close(), anyone.close(), closed.close()]);
  await table.close();
});

const preflight = { origin: 'http://localhost:3000', 'access-control-request-method': 'POST' };

describe('a page of another origin', () => {
  it('gets its preflight when it is listed', async () => {
    const { status, headers, text } = await door.call('OPTIONS', '/api/bet', { headers: preflight });
    expect([status, text]).toEqual([204, '']);
    expect(headers).toMatchObject({
      'access-control-allow-origin': 'http://localhost:3000',
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
      'access-control-expose-headers': 'X-Request-Id',
      'access-control-max-age': '3600',
    });
    expect(headers['access-control-allow-headers']).toContain('X-Platform-User-Name');
  });

  it('is named in the answer to its call, refusals included', async () => {
    const { headers } = await door.call('POST', '/api/bet', {
      headers: { origin: preflight.origin },
      body: {},
    });
    expect(headers['access-control-allow-origin']).toBe(preflight.origin);
    const missing = await door.call('GET', '/nothing', { headers: { origin: preflight.origin } });
    expect(missing.headers['access-control-allow-origin']).toBe(preflight.origin);
  });

  it('that is not listed is not named', async () => {
    const headers = { ...preflight, origin: 'http://127.0.0.1:3000' };
    const answer = await door.call('OPTIONS', '/api/bet', { headers });
    expect(answer.status).toBe(204);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('is echoed where all are listed', async () => {
    const { headers } = await anyone.call('OPTIONS', '/api/bet', {
      headers: { ...preflight, origin: 'http://x:1' },
    });
    expect(headers['access-control-allow-origin']).toBe('http://x:1');
  });

  it('gets nothing where CORS is off, but OPTIONS is answered', async () => {
    const { status, headers } = await closed.call('OPTIONS', '/api/bet', { headers: preflight });
    expect(status).toBe(204);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('need not ask like a browser', async () => {
    expect((await door.call('OPTIONS', '/api/user/bets')).status).toBe(204);
  });
});
