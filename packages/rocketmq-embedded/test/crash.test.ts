import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { bundleCli, killChild, startChild } from './support/child.ts';
import { temporaryFolder } from './support/folders.ts';
import { killLoop, stored } from './support/kill-loop.ts';
import { WireClient } from './support/wire-client.ts';

const ROUNDS = 5;

describe.each(['async', 'sync'] as const)('kill -9 under load, flush %s', (flush) => {
  it(
    `loses and doubles no acknowledged message, plain, transactional, delayed, timed or popped, ${ROUNDS} times over`,
    { timeout: 180_000 },
    async () => {
      const { acknowledged } = await killLoop(flush, ROUNDS);
      expect(acknowledged).toBeGreaterThan(50 * ROUNDS);
    },
  );
});

describe('the command line', () => {
  it('stops cleanly on SIGINT and goes on with the same data', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const args = ['--data', path.join(folder, 'data'), '--port', '0', '--broker-port', '0'];
    const first = await startChild(script, args);
    const client = await WireClient.connect(first.broker);
    await client.send({ topic: 'T', body: Buffer.from('kept') });
    const code = new Promise((resolve) => first.process.once('exit', resolve));
    first.process.kill('SIGINT');
    expect(await code).toBe(0);
    const second = await startChild(script, args);
    const again = await WireClient.connect(second.broker);
    expect((await stored(again, 'T', 0)).get(0)?.body).toBe('kept');
    again.close();
  });

  it('keeps a folder to one process, until that is dead', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const args = ['--data', path.join(folder, 'data'), '--port', '0', '--broker-port', '0'];
    const first = await startChild(script, args);
    const client = await WireClient.connect(first.broker);
    await client.send({ topic: 'T', body: Buffer.from('kept') });
    await expect(startChild(script, args)).rejects.toThrow(
      new RegExp(`ended with 1:[^]*${path.join(folder, 'data')}[^]*${first.process.pid}`),
    );
    // The one that was there first goes on.
    expect((await client.send({ topic: 'T', body: Buffer.from('kept, too') })).code).toBe(0);
    await killChild(first);
    const next = await startChild(script, args);
    const again = await WireClient.connect(next.broker);
    expect([...(await stored(again, 'T', 0)).values()].map(({ body }) => body)).toEqual([
      'kept',
      'kept, too',
    ]);
    again.close();
  });

  it('names the port that is taken and how to take another', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    const first = await startChild(script, [
      '--data',
      path.join(folder, 'a'),
      '--port',
      '0',
      '--broker-port',
      '0',
    ]);
    const port = first.broker.split(':')[1] ?? '';
    const second = startChild(script, [
      '--data',
      path.join(folder, 'b'),
      '--port',
      '0',
      '--broker-port',
      port,
    ]);
    await expect(second).rejects.toThrow(new RegExp(`ended with 1:[^]*port ${port} [^]*--broker-port`));
  });

  it('refuses a wrong call with exit code 2 and explains itself', async () => {
    const folder = temporaryFolder();
    const script = await bundleCli(folder);
    await expect(startChild(script, ['--flush', 'never'])).rejects.toThrow(
      /ended with 2:[^]*flush: "never", allowed is sync or async/,
    );
    await expect(startChild(script, ['--bogus'])).rejects.toThrow(/ended with 2:[^]*--help/);
    await expect(startChild(script, ['--help'])).rejects.toThrow(
      /ended with 0:[^]*no replication[^]*Examples:/,
    );
  });
});
