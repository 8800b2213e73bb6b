import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TestkitError } from '../errors.ts';
import { javaCommand, readClassPath, requireJava, runMaven, withMavenLock } from './java.ts';

export interface JavaProgram {
  /** The `java` to run it with. */
  command: string;
  classPath: string;
}

/**
 * Builds the Maven project in a folder into its `target`, unless it is there as pom and sources are now. Needs a
 * JDK: a JRE has no compiler.
 */
export async function buildJavaProgram(folder: string): Promise<JavaProgram> {
  await requireJava();
  const target = join(folder, 'target');
  const file = join(target, `${await hashOf(folder)}.classpath`);
  const separator = process.platform === 'win32' ? ';' : ':';
  return withMavenLock(async () => {
    if ((await readClassPath(file)) === undefined) {
      await rm(target, { recursive: true, force: true });
      await runMaven(join(folder, 'pom.xml'), [
        'compile',
        'dependency:build-classpath',
        `-Dmdep.outputFile=${file}`,
      ]);
    }
    const libraries = await readClassPath(file);
    if (libraries === undefined)
      throw new TestkitError('class-path-failed', `Maven named files for ${folder} that do not exist`);
    return { command: javaCommand, classPath: [join(target, 'classes'), libraries].join(separator) };
  });
}

async function hashOf(folder: string): Promise<string> {
  const sources = await readdir(join(folder, 'src'), { recursive: true });
  const files = [
    'pom.xml',
    ...sources.filter((name) => name.endsWith('.java')).map((name) => join('src', name)),
  ];
  const hash = createHash('sha256');
  for (const name of files.sort()) hash.update(name).update(await readFile(join(folder, name)));
  return hash.digest('hex').slice(0, 16);
}
