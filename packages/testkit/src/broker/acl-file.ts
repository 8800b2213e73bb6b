import { access, copyFile, mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Where a Broker with this home has its rules, as the real one looks for them. */
const aclFileOf = (home: string): string => join(home, 'conf', 'plain_acl.yml');

/** Copies the rules for a Broker's first start; a later start finds them as they are by then. */
export async function aclFileIn(home: string, source: string): Promise<string> {
  const file = aclFileOf(home);
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (exists) return file;
  await mkdir(dirname(file), { recursive: true });
  await copyFile(source, file);
  return file;
}

/** By a rename, so that no Broker reads half of it. */
export async function writeAclFile(home: string, text: string): Promise<void> {
  const draft = join(home, 'plain_acl.draft');
  await writeFile(draft, text);
  await rename(draft, aclFileOf(home));
}
