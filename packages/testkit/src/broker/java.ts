import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TestkitError } from '../errors.ts';
import { Program } from '../process/program.ts';
import { withFileLock } from '../process/file-lock.ts';

/** The parts of a real RocketMQ, its mqadmin, and Nacos. Each has its own class path: one for all does not resolve. */
export type JavaPart = 'namesrv' | 'broker' | 'tools' | 'nacos';

const instead =
  'or set ROCKETMQ_NAMESRV=host:port to use a RocketMQ that runs elsewhere, or test on the embedded one (ROCKETMQ_TARGET=embedded)';

export const javaCommand = process.env['JAVA_HOME'] ? join(process.env['JAVA_HOME'], 'bin', 'java') : 'java';
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'dt-testkit');
const mavenCommand = process.platform === 'win32' ? 'mvn.cmd' : 'mvn';

async function runToEnd(
  command: string,
  args: string[],
  timeoutMs: number,
): Promise<{ code: number | null; output: string }> {
  const program = await Program.start({ command, args });
  const timer = setTimeout(() => void program.kill(), timeoutMs);
  const { code } = await program.exited;
  clearTimeout(timer);
  return { code, output: program.output() };
}

/** Fails with the name of what to install when there is no Java. */
export async function requireJava(): Promise<void> {
  const version = await runToEnd(javaCommand, ['-version'], 20_000).catch(() => undefined);
  if (version?.code !== 0) {
    throw new TestkitError(
      'java-missing',
      `a real server needs Java 8 or newer and "${javaCommand}" does not run: install a JDK (Debian: apt install openjdk-17-jdk-headless maven), ${instead}`,
    );
  }
}

/**
 * The class path of a part: Maven resolves it once from the part's pom; the answer is kept in the user's
 * cache folder under the hash of that pom, and taken again while all its files exist.
 */
export async function classPathOf(part: JavaPart): Promise<string> {
  const pom = fileURLToPath(new URL(`../../maven/${part}/pom.xml`, import.meta.url));
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 16);
  const file = join(cache, `${part}-${hash}.classpath`);
  const known = await readClassPath(file);
  if (known !== undefined) return known;

  return withMavenLock(async () => {
    const meanwhile = await readClassPath(file);
    if (meanwhile !== undefined) return meanwhile;
    const temporary = `${file}.${process.pid}`;
    try {
      await runMaven(pom, ['dependency:build-classpath', `-Dmdep.outputFile=${temporary}`]);
      await rename(temporary, file);
    } finally {
      await rm(temporary, { force: true });
    }
    const resolved = await readClassPath(file);
    if (resolved === undefined) {
      throw new TestkitError(
        'class-path-failed',
        `Maven named files for ${pom} that do not exist (see ${file})`,
      );
    }
    return resolved;
  });
}

/** One Maven at a time on this machine: two of them would download into the same local repository. */
export async function withMavenLock<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(cache, { recursive: true });
  return withFileLock(join(cache, 'maven.lock'), 300_000, work);
}

/** The class path in a file of Maven's, when all that it names exists. */
export async function readClassPath(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const jars = text.trim().split(process.platform === 'win32' ? ';' : ':');
  return text !== '' && jars.every((jar) => existsSync(jar)) ? text.trim() : undefined;
}

/** Runs Maven for a project and says what it said when it failed. */
export async function runMaven(pom: string, goals: readonly string[]): Promise<void> {
  const args = ['-q', '-B', '-f', pom, ...goals];
  const result = await runToEnd(mavenCommand, args, 280_000).catch((error: unknown) => {
    throw new TestkitError(
      'maven-missing',
      `a real server is fetched with Maven and "${mavenCommand}" does not run: install it (Debian: apt install maven), ${instead}`,
      { cause: error },
    );
  });
  if (result.code !== 0) {
    throw new TestkitError(
      'class-path-failed',
      `Maven could not do ${goals[0] ?? ''} for ${pom} (exit code ${result.code ?? 'none'}); it says:\n${result.output}`,
    );
  }
}
