import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createTestDatabase, findFreePort, Program, uniqueName } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// bin/start.ps1 and bin/start.cmd need Windows and are not run by any test; what they say is held below.
const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');

describe('bin/start.sh', () => {
  it('starts the server of this project from any folder, which becomes ready and stops when told', async () => {
    const database = await createTestDatabase();
    const port = await findFreePort();
    const program = await Program.start({
      command: join(root, 'bin/start.sh'),
      args: ['--port', String(port)],
      cwd: tmpdir(),
      env: { ...process.env, DATABASE_URL: database.connectionString, DT_ROCKETMQ__NAME_SERVER: '' },
    });
    try {
      await program.waitForLine(/http: listening/, { timeoutMs: 60_000 });
      const answer = await fetch(`http://localhost:${port}/readyz`);
      expect([answer.status, await answer.text()]).toEqual([200, 'ready']);
      expect(await program.stop({ signal: 'SIGTERM' })).toEqual({ code: 0, signal: null });
      expect(program.output()).toMatch(/stopping signal=SIGTERM\n.*stopped/s);
    } finally {
      await program.kill();
      await database.drop();
    }
  }, 90_000);

  it('has no syntax that a shell without extensions does not know', async () => {
    await run('sh', ['-n', join(root, 'bin/start.sh')]);
    expect(await read('bin/start.sh')).not.toMatch(/\[\[|\blocal\b|\bfunction\b|<\(|&>/);
  });

  describe('in a project that is not installed', () => {
    let project: string;
    const start = (args: string[] = [], env: NodeJS.ProcessEnv = {}) =>
      run(join(project, 'bin/start.sh'), args, {
        cwd: '/',
        env: { ...process.env, CONFIG_FILE: '', ...env },
      });
    const builds = async (): Promise<number> => (await readFile(join(project, 'builds'), 'utf8')).length;

    beforeAll(async () => {
      // A project of the same shape with a part of its own and no other dependency: what npm does in it is real, and
      // takes no network.
      project = await mkdtemp(join(tmpdir(), 'dt start-'));
      for (const folder of ['bin', 'apps/server/bin', 'part'])
        await mkdir(join(project, folder), { recursive: true });
      await copyFile(join(root, 'bin/start.sh'), join(project, 'bin/start.sh'));
      const build = `node -e "fs.appendFileSync('builds', '.')"`;
      const name = uniqueName('project');
      const whole = { name, version: '1.0.0', workspaces: ['part'] };
      const part = { name: `${name}-part`, version: '1.0.0' };
      const link = { resolved: 'part', link: true };
      const files = {
        'package.json': { ...whole, scripts: { build, prepare: build } },
        'part/package.json': part,
        'package-lock.json': {
          ...whole,
          lockfileVersion: 3,
          packages: { '': whole, part, [`node_modules/${part.name}`]: link },
        },
      };
      for (const [file, content] of Object.entries(files))
        await writeFile(join(project, file), JSON.stringify(content));
      await writeFile(
        join(project, 'apps/server/bin/dt.js'),
        'console.log(JSON.stringify([process.cwd(), process.env.CONFIG_FILE, ...process.argv.slice(2)]));' +
          'process.exitCode = process.argv.includes("--bad") ? 2 : 0;',
      );
    });
    afterAll(() => rm(project, { recursive: true, force: true }));

    const said = ({ stdout }: { stdout: string }): unknown =>
      JSON.parse(stdout.trim().split('\n').at(-1) ?? '');

    it('installs it once, and again when its lock file is newer', async () => {
      expect(said(await start())).toEqual([project, 'config/dev.json', 'serve']);
      expect(await builds()).toBe(1);
      await start();
      expect(await builds()).toBe(1);
      const later = new Date(Date.now() + 60_000);
      await utimes(join(project, 'package-lock.json'), later, later);
      await start();
      expect(await builds()).toBe(2);
      const now = new Date();
      await utimes(join(project, 'package-lock.json'), now, now);
      await utimes(join(project, 'node_modules/.package-lock.json'), later, later);
    }, 60_000);

    it('builds at each start where the compiler is there, which does nothing when nothing changed', async () => {
      const before = await builds();
      await mkdir(join(project, 'node_modules/typescript'), { recursive: true });
      await writeFile(join(project, 'node_modules/typescript/package.json'), '{}');
      await start();
      expect(await builds()).toBe(before + 1);
    }, 30_000);

    it('passes flags on as they are, takes the configuration of the caller, and gives the exit code back', async () => {
      const flags = ['--set', 'auth.admin.token=two words', '--data-dir', '*'];
      expect(said(await start(flags, { CONFIG_FILE: 'mine.json' }))).toEqual([
        project,
        'mine.json',
        'serve',
        ...flags,
      ]);
      await expect(start(['--bad'])).rejects.toMatchObject({ code: 2 });
    }, 30_000);

    it('refuses a Node that is too old, or none, and does nothing', async () => {
      const folder = join(project, 'old');
      await mkdir(folder);
      // This Node, saying that it is an old one.
      await writeFile(
        join(folder, 'old.cjs'),
        `Object.defineProperty(process.versions, 'node', { value: '20.18.3' })`,
      );
      await writeFile(
        join(folder, 'node'),
        `#!/bin/sh\n[ "$1" = --version ] && echo v20.18.3 || exec '${process.execPath}' -r '${folder}/old.cjs' "$@"\n`,
      );
      await chmod(join(folder, 'node'), 0o755);
      const before = await builds();
      await expect(start([], { PATH: `${folder}:${process.env['PATH']}` })).rejects.toMatchObject({
        code: 2,
        stderr: 'start.sh: Node 20.19 or newer is needed, this is v20.18.3\n',
      });
      const empty = join(project, 'empty');
      await mkdir(empty);
      await symlink('/usr/bin/dirname', join(empty, 'dirname'));
      await expect(start([], { PATH: empty })).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^start.sh: Node is not installed/) as unknown,
      });
      expect(await builds()).toBe(before);
    });
  });
});

it('the start scripts of all systems ask for the Node that the project asks for, and read the settings of their own', async () => {
  const { engines } = JSON.parse(await read('package.json')) as { engines: { node: string } };
  const wanted = engines.node.replace('>=', '');
  const settings = { 'bin/start.sh': 'config/dev.json', 'bin/start.ps1': 'config/windows.json' };
  for (const [script, config] of Object.entries(settings)) {
    const text = await read(script);
    expect(text.match(/Node (\d+\.\d+) or newer/)?.[1], script).toBe(wanted);
    expect(text, script).toContain(config);
    await read(config);
  }
  const [major, minor] = wanted.split('.');
  expect(await read('bin/start.sh')).toContain(
    `major > ${major} || (major === ${major} && minor >= ${minor})`,
  );
  expect(await read('bin/start.ps1')).toContain(`[version] '${wanted}.0'`);
  expect(await read('bin/start.cmd')).toMatch(/"%~dp0start\.ps1" %\*\r?\n/);
});
