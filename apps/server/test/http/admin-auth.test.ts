import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTable, type Table } from '../game/table.ts';
import { ADMIN_TOKEN, openDoor, type Answer, type Door } from './door.ts';

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

const urls = ['/api/game_event', '/api/drawresult'];
const outcome = ({ status, json }: Answer): [number, number, string] => [status, json.code, json.message];
const call = (at: Door, url: string, authorization?: string): Promise<Answer> =>
  at.call('POST', url, { body: {}, headers: authorization === undefined ? {} : { authorization } });
const passed = [400, 1000, 'invalid request'];

describe.each(urls)('a dealer call to %s', (url) => {
  it.each(['Bearer', 'bearer', 'BEARER'])('passes with the token after %s', async (scheme) => {
    expect(outcome(await call(door, url, `${scheme} ${ADMIN_TOKEN}`))).toEqual(passed);
  });

  it.each<[string | undefined, string]>([
    [undefined, '缺少管理员认证信息'],
    ['', '缺少管理员认证信息'],
    [ADMIN_TOKEN, '无效的认证格式'],
    ['Bearer', '无效的认证格式'],
    [`Basic ${ADMIN_TOKEN}`, '无效的认证格式'],
    [`Bearer  ${ADMIN_TOKEN}`, '无效的认证格式'],
    [`Bearer ${ADMIN_TOKEN} x`, '无效的认证格式'],
    ['Bearer wrong', '无效的管理员Token'],
    [`Bearer ${ADMIN_TOKEN.toUpperCase()}`, '无效的管理员Token'],
    [`Bearer ${ADMIN_TOKEN.slice(0, -1)}`, '无效的管理员Token'],
  ])('with %j is 401 before its body is looked at', async (authorization, message) => {
    expect(outcome(await call(door, url, authorization))).toEqual([401, 3000, message]);
  });

  it('is refused with every token when none is configured', async () => {
    const none = await openDoor({ 'auth.admin.token': '' }, {}, table);
    expect(outcome(await call(none, url, 'Bearer x'))).toEqual([401, 3000, '无效的管理员Token']);
    expect(outcome(await call(none, url, 'Bearer '))).toEqual([401, 3000, '无效的认证格式']);
    await none.close();
  });

  it('needs no token only where that is written down', async () => {
    const open = await openDoor({ 'auth.admin.enabled': false }, {}, table);
    expect(outcome(await call(open, url))).toEqual(passed);
    await open.close();
  });
});
