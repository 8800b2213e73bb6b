import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { FolderLock } from '../../src/store/index.ts';
import { temporaryFolder } from '../support/folders.ts';

describe('folder lock', () => {
  it('lets one holder in and the next one after it', () => {
    const folder = temporaryFolder();
    const lock = FolderLock.acquire(folder);
    expect(() => FolderLock.acquire(folder)).toThrow(expect.objectContaining({ code: 'data-dir-locked' }));
    expect(() => FolderLock.acquire(folder)).toThrow(String(process.pid));
    lock.release();
    FolderLock.acquire(folder).release();
    expect(fs.readdirSync(folder)).toHaveLength(1);
  });

  it('takes over from a process that is dead, and not from one that lives', async () => {
    const folder = temporaryFolder();
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const holder = { token: 'x', pid: child.pid, host: os.hostname(), started: '', released: false };
    fs.writeFileSync(path.join(folder, 'lock.7'), JSON.stringify(holder));
    expect(() => FolderLock.acquire(folder)).toThrow(expect.objectContaining({ code: 'data-dir-locked' }));
    child.kill('SIGKILL');
    await once(child, 'exit');
    FolderLock.acquire(folder).release();
    expect(fs.readdirSync(folder)).toEqual(['lock.8']);
  });

  it.runIf(process.platform === 'linux')('is not fooled by another process that got the same number', () => {
    const folder = temporaryFolder();
    const holder = { token: 'x', pid: process.pid, host: os.hostname(), started: 'earlier', released: false };
    fs.writeFileSync(path.join(folder, 'lock.1'), JSON.stringify(holder));
    FolderLock.acquire(folder).release();
  });

  it('waits for a holder on another host to fall silent', () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'lock.1');
    fs.writeFileSync(
      file,
      JSON.stringify({ token: 'x', pid: 1, host: 'another-host', started: '', released: false }),
    );
    expect(() => FolderLock.acquire(folder)).toThrow('another-host');
    const longAgo = new Date(Date.now() - 60_000);
    fs.utimesSync(file, longAgo, longAgo);
    FolderLock.acquire(folder).release();
  });

  it('survives a holder that died between creating and writing its file', () => {
    const folder = temporaryFolder();
    const file = path.join(folder, 'lock.1');
    fs.writeFileSync(file, '');
    expect(() => FolderLock.acquire(folder)).toThrow('opening it');
    const longAgo = new Date(Date.now() - 60_000);
    fs.utimesSync(file, longAgo, longAgo);
    FolderLock.acquire(folder).release();
  });
});
