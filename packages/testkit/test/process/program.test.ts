import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, spawnNode, TestkitError } from '../../src/index.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dt-program-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function script(source: string): Promise<string> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.mjs`);
  await writeFile(file, source);
  return file;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const stayAlive = 'setInterval(() => {}, 1000);';

describe('a started program', () => {
  test('is waited for until its line, and killed at once', async () => {
    const program = await spawnNode({
      script: await script(`console.log('port 4711'); process.on('SIGTERM', () => {}); ${stayAlive}`),
      readyLine: /^port/,
    });
    const { match, index } = await program.waitForLine(/port (\d+)/);
    expect(match[1]).toBe('4711');
    expect(index).toBe(0);
    expect(await program.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    expect(program.running).toBe(false);
  });

  test('is found later lines of, from a line on', async () => {
    const program = await spawnNode({
      script: await script(`let n = 0; setInterval(() => console.log('round', n++), 5);`),
    });
    const first = await program.waitForLine(/round/);
    const next = await program.waitForLine(/round/, { after: first.index });
    expect(next.line).toBe('round 1');
    await program.kill();
  });

  test('that ends instead of saying its line fails the wait with its output', async () => {
    const starting = spawnNode({
      script: await script(`console.error('no such table'); process.exitCode = 3;`),
      readyLine: /ready/,
    });
    const error = await starting.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TestkitError);
    expect(error).toMatchObject({ code: 'program-exited' });
    expect((error as Error).message).toMatch(/exit code 3[^]*no such table/);
  });

  test('that says nothing in time is killed', async () => {
    const starting = spawnNode({ script: await script(stayAlive), readyLine: /ready/, readyTimeoutMs: 200 });
    await expect(starting).rejects.toMatchObject({ code: 'timeout' });
  });

  test('that does not obey is killed when its time is up', async () => {
    const program = await spawnNode({
      script: await script(`process.on('SIGTERM', () => {}); console.log('ready'); ${stayAlive}`),
      readyLine: /ready/,
    });
    expect(await program.stop({ timeoutMs: 100 })).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('may print without end: only the newest is kept', async () => {
    const program = await spawnNode({
      script: await script(`for (let i = 0; i < 20000; i++) console.log('line', i); console.log('end');`),
      outputLimitBytes: 1000,
    });
    await program.waitForLine(/^end$/);
    await program.exited;
    expect(program.output().length).toBeLessThanOrEqual(1000);
    expect(program.output()).toMatch(/line 19999\nend$/);
  });

  test('that does not exist is an error with its name', async () => {
    const { Program } = await import('../../src/index.ts');
    await expect(Program.start({ command: '/no/such/program' })).rejects.toMatchObject({
      code: 'start-failed',
      message: expect.stringContaining('/no/such/program') as string,
    });
  });
});

test.skipIf(process.platform === 'win32')('a program does not outlive a parent that is killed', async () => {
  const guard = new URL('../../src/process/guard.ts', import.meta.url);
  const { build } = await import('esbuild');
  const guardFile = join(folder, 'guard.mjs');
  await build({ entryPoints: [guard.pathname], outfile: guardFile, format: 'esm' });
  const child = await script(stayAlive);
  const parent = await spawnNode({
    script: await script(`
      import { spawn } from 'node:child_process';
      import { guardAgainstOrphan } from ${JSON.stringify(guardFile)};
      const child = spawn(process.execPath, [${JSON.stringify(child)}], { stdio: 'ignore' });
      guardAgainstOrphan(child.pid);
      console.log('child', child.pid);
      ${stayAlive}`),
  });
  const { match } = await parent.waitForLine(/child (\d+)/);
  const pid = Number(match[1]);
  expect(isAlive(pid)).toBe(true);
  await parent.kill();
  await eventually(() => !isAlive(pid));
});
