import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FixedWindow } from '../../src/http/rate-limit.ts';
import { openTable, type Table } from '../game/table.ts';
import { openDoor, type Door } from './door.ts';

describe('FixedWindow', () => {
  it('lets so many calls through in a window, and says how long to wait', () => {
    const window = new FixedWindow(2, 1000);
    expect([window.take('a', 0), window.take('a', 400), window.take('a', 900)]).toEqual([0, 0, 100]);
    expect(window.take('b', 900)).toBe(0);
    expect(window.take('a', 1000)).toBe(0);
  });

  it('never holds more keys than it may, and forgets the oldest first', () => {
    const window = new FixedWindow(1, 1000, 100);
    for (let i = 0; i < 1000; i += 1) window.take(`key-${i}`, i);
    expect(window.size).toBeLessThanOrEqual(100);
    expect(window.take('key-999', 1000)).toBeGreaterThan(0);
    expect(window.take('key-0', 1000)).toBe(0);
  });

  it('makes room by dropping windows that are over', () => {
    const window = new FixedWindow(1, 10, 100);
    for (let i = 0; i < 100; i += 1) window.take(`key-${i}`, 0);
    window.take('new', 20);
    expect(window.size).toBe(1);
  });
});

describe('the bet call', () => {
  let table: Table;
  beforeAll(async () => {
    table = await openTable();
  });
  afterAll(() => table.close());

  async function withLimits(
    limits: Record<string, number>,
    work: (door: Door) => Promise<void>,
  ): Promise<void> {
    const roomy = { 'rate_limit.enabled': true, 'rate_limit.by_ip.requests_per_second': 1000 };
    const rest = {
      'rate_limit.by_user.requests_per_second': 1000,
      'rate_limit.by_platform.requests_per_second': 1000,
    };
    const door = await openDoor({ ...roomy, ...rest, ...limits }, {}, table);
    await work(door).finally(() => door.close());
  }
  const bet = async (door: Door, user: string, remoteAddress = '10.0.0.1'): Promise<number> => {
    const headers = { 'x-platform-user-id': user };
    return (await door.call('POST', '/api/bet', { headers, body: {}, remoteAddress })).json.code;
  };

  it('is limited per player', () =>
    withLimits({ 'rate_limit.by_user.requests_per_second': 2 }, async (door) => {
      const codes = [await bet(door, 'a'), await bet(door, 'a'), await bet(door, 'a'), await bet(door, 'b')];
      expect(codes).toEqual([1000, 1000, 4000, 1000]);
    }));

  it('is limited per address', () =>
    withLimits({ 'rate_limit.by_ip.requests_per_second': 1 }, async (door) => {
      const codes = [
        await bet(door, 'a', '10.0.0.1'),
        await bet(door, 'b', '10.0.0.1'),
        await bet(door, 'a', '10.0.0.2'),
      ];
      expect(codes).toEqual([1000, 4000, 1000]);
    }));

  it('is limited per platform', () =>
    withLimits({ 'rate_limit.by_platform.requests_per_second': 1 }, async (door) => {
      expect([await bet(door, 'a', '10.0.0.1'), await bet(door, 'b', '10.0.0.2')]).toEqual([1000, 4000]);
    }));

  it('says when to come again, and no other call is limited', () =>
    withLimits(
      { 'rate_limit.global.requests_per_second': 1, 'rate_limit.by_user.requests_per_second': 1 },
      async (door) => {
        await bet(door, 'a');
        const { status, json, headers } = await door.play('POST', '/api/bet', 'a', {});
        expect([status, json.code, json.message]).toEqual([429, 4000, '请求频率超限，请稍后重试']);
        expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
        expect((await door.play('GET', '/api/user/balance', 'a')).json.code).toBe(0);
      },
    ));

  it('is not limited unless that is configured', async () => {
    const door = await openDoor({ 'rate_limit.by_user.requests_per_second': 1 }, {}, table);
    expect([await bet(door, 'a'), await bet(door, 'a')]).toEqual([1000, 1000]);
    await door.close();
  });
});
