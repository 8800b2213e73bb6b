import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));

/** Bundles the command line from the sources: the child needs no build, and no Node that reads TypeScript. */
export async function bundleCli(folder: string): Promise<string> {
  const outfile = path.join(folder, 'rocketmq-embedded.mjs');
  await build({
    stdin: {
      contents: `import { main } from ${JSON.stringify(CLI)}; process.exitCode = await main(process.argv.slice(2));`,
      resolveDir: path.dirname(CLI),
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    // A CommonJS library in a bundle of modules asks for Node's own modules this way.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    logLevel: 'silent',
  });
  return outfile;
}

export interface ServerChild {
  process: ChildProcess;
  nameServer: string;
  broker: string;
  /** Everything it wrote so far. */
  output: () => string;
}

/** Starts the command line as a process of its own and waits until it is ready. Killed when the test ends. */
export async function startChild(
  script: string,
  args: readonly string[],
  /** A command that ends in running what stands behind it. */
  wrapper: readonly string[] = [],
): Promise<ServerChild> {
  const [command = '', ...rest] = [...wrapper, process.execPath, script, ...args];
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ready = new Promise<RegExpExecArray>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      output += `${line}\n`;
      const match = /^ready: NameServer (\S+), broker (\S+)/.exec(line);
      if (match !== null) resolve(match);
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
  });
  const [, nameServer = '', broker = ''] = await ready;
  return { process: child, nameServer, broker, output: () => output };
}

/** kill -9. */
export async function killChild(child: ServerChild): Promise<void> {
  const exit = once(child.process, 'exit');
  child.process.kill('SIGKILL');
  await exit;
}
