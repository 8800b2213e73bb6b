import fs from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identify, type ProcessIdentity } from '../src/process-identity.ts';
import { sweepLockWaiters, takeStartLock } from '../src/start-lock.ts';
import { temporaryFolder } from './support/user-process.ts';

let folder: string;
let lock: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
});
beforeEach(async () => {
  lock = path.join(await fs.mkdtemp(path.join(folder, 'lock-')), 'start.lock');
});
afterAll(() => remove());

const soon = (): number => Date.now() + 20_000;

/** This process's number, as an earlier process had it. */
async function deadHolder(): Promise<ProcessIdentity> {
  const self = await identify(process.pid);
  if (!self) throw new Error('this process is not running');
  return { ...self, startedAt: '1' };
}

async function takeInTurn(times: number): Promise<number> {
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: times }, async () => {
      const release = await takeStartLock(lock, soon(), undefined);
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      await release?.();
    }),
  );
  return most;
}

describe('the start lock', () => {
  it('is held by one at a time', async () => {
    expect(await takeInTurn(12)).toBe(1);
    expect(await fs.readdir(path.dirname(lock))).toEqual([]);
  });

  it('is taken from a dead holder by one of many', async () => {
    for (let round = 0; round < 5; round += 1) {
      await fs.writeFile(lock, JSON.stringify(await deadHolder()));
      expect(await takeInTurn(8)).toBe(1);
    }
  });

  it('is taken from a dead holder although another one died while removing it', async () => {
    const text = JSON.stringify(await deadHolder());
    await fs.writeFile(lock, text);
    await fs.writeFile(`${lock}.removal`, text);
    expect(await takeInTurn(4)).toBe(1);
  });

  it('is taken when a power failure has emptied it', async () => {
    await fs.writeFile(lock, '');
    expect(await takeInTurn(2)).toBe(1);
  });

  it('is not taken from a running holder, nor at once from one in another container', async () => {
    const self = await identify(process.pid);
    for (const holder of [self, { ...self, namespace: 'pid:[1]' }]) {
      await fs.writeFile(lock, JSON.stringify(holder));
      expect(await takeStartLock(lock, Date.now() + 100, undefined)).toBeUndefined();
    }
  });

  it('is waited for no longer once the wait is aborted', async () => {
    const release = await takeStartLock(lock, soon(), undefined);
    await expect(takeStartLock(lock, soon(), AbortSignal.timeout(50))).rejects.toThrow();
    await release?.();
    expect(await fs.readdir(path.dirname(lock))).toEqual([]);
  });

  it('loses the traces of killed waiters, and only theirs', async () => {
    const name = (pid: number): string => `${lock}.${pid}-00000000-0000-0000-0000-000000000000`;
    await fs.writeFile(name(1), JSON.stringify(await deadHolder()));
    await fs.writeFile(name(2), JSON.stringify(await identify(process.pid)));
    await sweepLockWaiters(lock);
    expect(await fs.readdir(path.dirname(lock))).toEqual([path.basename(name(2))]);
  });
});
