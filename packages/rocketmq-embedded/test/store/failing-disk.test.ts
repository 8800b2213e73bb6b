import { afterEach, describe, expect, it, vi } from 'vitest';
import { failWrites } from '../support/failing-writes.ts';
import { temporaryFolder } from '../support/folders.ts';
import { bodies, message, openStore, put, readAll } from '../support/store.ts';

afterEach(() => vi.restoreAllMocks());

describe('a disk that fails', () => {
  it('by being full refuses what waited, keeps what was stored, and goes on when there is room', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder);
    await put(store, 'T', message('kept', { properties: { KEYS: 'k' } }));
    const repair = failWrites('ENOSPC');
    store.append('T', message('lost', { properties: { KEYS: 'k' } }));
    store.append('New', message('lost'));
    await expect(store.committed()).rejects.toMatchObject({ code: 'store-full', retryable: true });
    repair();
    expect(store.append('T', message('next')).queueOffset).toBe(1);
    await store.committed();
    expect(bodies(await readAll(store, 'T'))).toEqual(['kept', 'next']);
    expect(bodies(await readAll(store, 'New'))).toEqual([]);
    const query = {
      topic: 'T',
      key: 'k',
      maxCount: 9,
      beginTimestamp: 0,
      endTimestamp: Number.MAX_SAFE_INTEGER,
    };
    expect(await store.byKey({ ...query, unique: false })).toHaveLength(1);
    await store.close();
    expect(bodies(await readAll(await openStore(folder), 'T'))).toEqual(['kept', 'next']);
  });

  it('in any other way takes no more messages until it is opened again', async () => {
    const folder = temporaryFolder();
    const store = await openStore(folder);
    await put(store, 'T', message('kept'));
    const repair = failWrites('EIO');
    store.append('T', message('lost'));
    await expect(store.committed()).rejects.toMatchObject({ code: 'store-failed' });
    repair();
    expect(() => store.append('T', message('refused'))).toThrow(
      expect.objectContaining({ code: 'store-failed' }),
    );
    expect(bodies(await readAll(store, 'T'))).toEqual(['kept']);
    await store.close();
    const again = await openStore(folder);
    await put(again, 'T', message('after'));
    expect(bodies(await readAll(again, 'T'))).toEqual(['kept', 'after']);
  });
});
