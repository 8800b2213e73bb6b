import { constants } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Writes a file under the folder for temporary files, for its owner alone, and gives where it is; or why it could not
 * be written, since the rest of a result is worth showing without it.
 */
export async function writePrivateFile(
  folders: readonly string[],
  name: string,
  content: Buffer | string,
): Promise<string> {
  const folder = join(tmpdir(), 'rocketmq', ...folders);
  // Names come from clients of the broker: they must not lead out of the folder.
  const path = join(folder, name.replaceAll(/[^A-Za-z0-9_@#-]/g, '_'));
  // Others can write to the folder for temporary files: a link in it must not lead us elsewhere.
  const { O_CREAT, O_WRONLY, O_TRUNC, O_NOFOLLOW = 0 } = constants;
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(path, O_CREAT | O_WRONLY | O_TRUNC | O_NOFOLLOW, 0o600);
    try {
      await file.writeFile(content);
    } finally {
      await file.close();
    }
    return path;
  } catch (error) {
    return `(not written: ${error instanceof Error ? error.message : String(error)})`;
  }
}
