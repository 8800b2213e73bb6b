import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { readCached, writeCached } from '../../src/store/file-io.ts';
import { temporaryFolder } from '../support/folders.ts';

/** Longer than a call of the page cache takes, and so long that the one behind it is sure to come too early. */
const SLOW_MS = 1_000;
/** Longer than all that follows from it. */
const FAST_AGAIN_MS = 60_000;

let now = 0;

function openFile(): number {
  const fd = fs.openSync(path.join(temporaryFolder(), 'file'), 'wx+');
  onTestFinished(() => fs.closeSync(fd));
  return fd;
}

/** The clock stands still but where a test moves it: how long a call takes is not left to the machine. */
function stopClock(): void {
  now += FAST_AGAIN_MS;
  vi.spyOn(performance, 'now').mockImplementation(() => now);
}

function slowOnce(name: 'readSync' | 'writeSync'): void {
  const call = fs[name] as (...args: unknown[]) => number;
  vi.spyOn(fs, name).mockImplementationOnce((...args: unknown[]) => {
    now += SLOW_MS;
    return call(...args);
  });
}

afterEach(() => vi.restoreAllMocks());

describe('what lies in the page cache', () => {
  it('is written and read at once', async () => {
    stopClock();
    const fd = openFile();
    const handedOver = [vi.spyOn(fs, 'write'), vi.spyOn(fs, 'read')];
    await writeCached(fd, Buffer.from('abcdef'), 5, 2);
    const bytes = Buffer.alloc(5);
    expect(readCached(fd, bytes, 5, 2)).toBe(5);
    expect(bytes.toString()).toBe('abcde');
    for (const call of handedOver) expect(call).not.toHaveBeenCalled();
  });

  it.each(['writeSync', 'readSync'] as const)('is handed over for a while after a slow %s', async (name) => {
    stopClock();
    const fd = openFile();
    fs.writeSync(fd, 'abc');
    slowOnce(name);
    if (name === 'writeSync') await writeCached(fd, Buffer.from('abc'), 3, 0);
    else await readCached(fd, Buffer.alloc(3), 3, 0);

    const atOnce = [vi.spyOn(fs, 'writeSync').mockClear(), vi.spyOn(fs, 'readSync').mockClear()];
    await writeCached(fd, Buffer.from('xyz'), 3, 3);
    const bytes = Buffer.alloc(6);
    expect(await readCached(fd, bytes, 6, 0)).toBe(6);
    expect(bytes.toString()).toBe('abcxyz');
    for (const call of atOnce) expect(call).not.toHaveBeenCalled();

    now += FAST_AGAIN_MS;
    expect(readCached(fd, bytes, 6, 0)).toBe(6);
  });

  it('is what the rest of a call that came short is added to', async () => {
    stopClock();
    const fd = openFile();
    const write = fs.writeSync as (...args: unknown[]) => number;
    vi.spyOn(fs, 'writeSync').mockImplementationOnce((...[to, bytes, offset, , position]: unknown[]) =>
      write(to, bytes, offset, 2, position),
    );
    await writeCached(fd, Buffer.from('abcdef'), 6, 0);
    const bytes = Buffer.alloc(9);
    expect(await readCached(fd, bytes, 9, 0)).toBe(6);
    expect(bytes.toString('latin1', 0, 6)).toBe('abcdef');
  });
});
