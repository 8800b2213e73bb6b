// docs/guide/outbox.md is one program: it runs as it stands there, on the RocketMQ of the run.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { createTestDatabase, eventually, spawnNode, startBroker } from '@dt/testkit';
import { target } from './harness.ts';

const guide = new URL('../../../../docs/guide/outbox.md', import.meta.url);
const dist = path.join(import.meta.dirname, '..', '..', 'dist');

it(`the guide's program sends, receives, ends by SIGTERM, and can be started again, on the ${target} RocketMQ`, async () => {
  const source = [...(await readFile(guide, 'utf8')).matchAll(/^```ts\n(.*?)^```$/gms)].map(
    (block) => block[1],
  );
  const { outputText } = ts.transpileModule(source.join('\n'), {
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
  });
  const broker = await startBroker(target);
  const test = await createTestDatabase();
  const pool = new pg.Pool(test.connection);
  pool.on('error', () => {});
  await mkdir(dist, { recursive: true });
  const folder = await mkdtemp(path.join(dist, 'guide-'));
  try {
    const script = path.join(folder, 'guide.js');
    await writeFile(script, outputText);
    const { host, port, user, database } = new pg.Client(test.connection);
    const env = {
      ...process.env,
      NODE_OPTIONS: '',
      PGHOST: host,
      PGPORT: String(port),
      PGUSER: user,
      PGDATABASE: database,
      ROCKETMQ_NAMESRV: broker.nameServer,
    };
    const rows = async (text: string): Promise<unknown[]> => (await pool.query(text)).rows as unknown[];
    for (const run of [1, 2]) {
      // What it says last: the broker for tests is there, and with it everything before.
      const program = await spawnNode({ script, env, readyLine: /^function$/ });
      if (run === 1) {
        const lines = () => rows('SELECT owner, payment_id, amount::int FROM statement ORDER BY owner, line');
        await eventually(async () => (await lines()).length === 3, { timeoutMs: 60_000 });
        expect(await lines()).toEqual([
          { owner: 'alice', payment_id: 'p-1', amount: 100 },
          { owner: 'alice', payment_id: 'p-3', amount: 25 },
          { owner: 'bob', payment_id: 'p-2', amount: 50 },
        ]);
      }
      await eventually(async () => (await rows('SELECT FROM outbox WHERE status = 0')).length === 0);
      const end = await program.stop({ signal: 'SIGTERM', timeoutMs: 20_000 });
      expect(end, program.output()).toEqual({ code: 0, signal: null });
      expect(program.output()).not.toMatch(/error/i);
    }
    // The second run paid again, under the same keys: the inbox knows them.
    expect(await rows('SELECT owner, balance::int FROM account ORDER BY owner')).toEqual([
      { owner: 'alice', balance: 750 },
      { owner: 'bob', balance: 900 },
    ]);
    expect(await rows('SELECT count(*)::int AS lines FROM statement')).toEqual([{ lines: 3 }]);
    expect(await rows('SELECT DISTINCT status FROM outbox')).toEqual([{ status: 1 }]);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await pool.end();
    await test.drop();
    await broker.close();
  }
});
