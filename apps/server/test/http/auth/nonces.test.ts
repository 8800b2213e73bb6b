import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Nonces } from '../../../src/http/auth/nonces.ts';
import { openDatabase, type OpenedDatabase } from '../../database/open-database.ts';

let opened: OpenedDatabase;
beforeAll(async () => {
  opened = await openDatabase();
});
afterAll(() => opened.close());

const rows = async (): Promise<number> => {
  const found = await opened.database.query<{ n: number }>('SELECT count(*)::int AS n FROM nonces');
  return found.rows[0]?.n ?? -1;
};

describe('nonces', () => {
  it('are good once, however many come at once and on however many instances', async () => {
    const instances = [new Nonces(opened.database), new Nonces(opened.database)];
    const nonces = Array.from({ length: 300 }, () => randomUUID());
    // Every nonce six times, in another order on each instance.
    const attempts = instances.flatMap((instance, i) =>
      [...nonces, ...nonces, ...nonces]
        .sort((a, b) => (i === 0 ? (a < b ? -1 : 1) : a < b ? 1 : -1))
        .map(async (nonce) => ({
          nonce,
          isNew: await instance.spend('key', nonce),
        })),
    );
    const accepted = (await Promise.all(attempts)).filter(({ isNew }) => isNew).map(({ nonce }) => nonce);
    expect(accepted.sort()).toEqual(nonces.sort());
  });

  it('are kept per key, and a long one as something short', async () => {
    const nonces = new Nonces(opened.database);
    const long = 'x'.repeat(10_000);
    expect([
      await nonces.spend('a', long),
      await nonces.spend('b', long),
      await nonces.spend('a', long),
    ]).toEqual([true, true, false]);
    const { rows: found } = await opened.database.query<{ n: number }>(
      'SELECT max(length(nonce))::int AS n FROM nonces',
    );
    expect(found[0]?.n).toBeLessThanOrEqual(64);
  });

  it('come free again when they have expired, and are purged', async () => {
    const nonces = new Nonces(opened.database);
    const nonce = randomUUID();
    await nonces.spend('key', nonce);
    await opened.database.query(`UPDATE nonces SET expires_at = now() - interval '1 s'`);
    expect(await nonces.spend('key', nonce)).toBe(true);
    expect(await nonces.spend('key', nonce)).toBe(false);
    await nonces.purge();
    expect(await rows()).toBe(1);
  });

  it('of refused requests are remembered here, within a bound', async () => {
    const nonces = new Nonces(opened.database, 10);
    const before = await rows();
    const spent = await Promise.all(
      Array.from({ length: 25 }, (_, i) => nonces.spendRefused('nobody', `n${i}`, false)),
    );
    expect(spent.every(Boolean)).toBe(true);
    expect(await nonces.spendRefused('nobody', 'n24', false)).toBe(false);
    expect(await nonces.spend('nobody', 'n24')).toBe(false);
    // Twice the bound is held at most: the oldest is forgotten, which harms nobody but who sent it.
    expect(await nonces.spendRefused('nobody', 'n0', false)).toBe(true);
    expect(await rows()).toBe(before);
  });

  it('fail for those alone that waited when the database failed', async () => {
    let isBroken = true;
    const nonces = new Nonces({
      query: (statement, values) =>
        isBroken ? Promise.reject(new Error('gone')) : opened.database.query(statement, values),
    });
    await expect(nonces.spend('key', 'broken')).rejects.toThrow('gone');
    isBroken = false;
    expect(await nonces.spend('key', 'broken')).toBe(true);
  });
});
