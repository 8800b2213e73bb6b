import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Files of a test, gone after it. @returns a writer that gives the file's path */
export function temporaryFiles(): ((content: unknown, name?: string) => string) & {
  readonly folder: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'dt-config-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let files = 0;
  const write = (content: unknown, name = `${++files}.json`): string => {
    const file = join(folder, name);
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };
  return Object.assign(write, { folder });
}
