import { eventually, Program, RawConnection } from '@dt/testkit';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commands, done, makeTopic, topicRequest } from '../wire.ts';
import { openTarget, type Target, targets } from '../foreign/stage.ts';

const WITHIN = { timeoutMs: 45_000 };
const project = fileURLToPath(new URL('../../go', import.meta.url));
const hasGo = spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;
if (!hasGo) process.stderr.write('left out: the Go client (Go is not installed)\n');

interface Received {
  group: string;
  body: string;
  tag: string;
  keys: string;
  region: string;
  messageId: string;
  reconsumeTimes: number;
}

describe.runIf(hasGo)('the Go client', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dt-go-client-'));
    const build = await Program.start({
      command: 'go',
      args: ['build', '-o', join(folder, 'client'), '.'],
      cwd: project,
    });
    const { code } = await build.exited;
    expect(code, build.output()).toBe(0);
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  describe.each(targets)('at the %s RocketMQ', (name) => {
    let target: Target;
    beforeAll(async () => {
      target = await openTarget(name);
    }, 120_000);
    afterAll(() => target.close());

    test('sends each way, consumes all of it, and gets again what failed', async () => {
      await using broker = await RawConnection.open(target.brokerAddress);
      const topic = await makeTopic(broker, 4);
      // Go looks for new topics every 30 s: those of the retries are there before it comes.
      for (const group of ['concurrent', 'orderly'])
        await done(broker, commands.updateAndCreateTopic, topicRequest(`%RETRY%${topic}-${group}`));
      await using client = await Program.start({
        command: join(folder, 'client'),
        args: [target.nameServer, topic],
      });
      const told = () =>
        client
          .output()
          .split('\n')
          .filter((line) => line.startsWith('{'))
          .map((line) => JSON.parse(line) as Partial<Received> & { sent?: string; ok?: boolean });
      const of = (group: string) =>
        told().filter((line): line is Received => line.group === `${topic}-${group}`);
      await eventually(() => {
        if (!client.running) throw new Error(client.output());
        return of('concurrent').length >= 7 && of('orderly').length >= 7;
      }, WITHIN);
      const bodies = ['async', 'async', 'batch 0', 'batch 1', 'delayed', 'one way', 'sync ä'];
      const { sent, ok } = told()[0] ?? {};
      expect(ok).toBe(true);
      for (const group of ['concurrent', 'orderly']) {
        expect(
          of(group)
            .map(({ body }) => body)
            .sort(),
        ).toEqual(bodies);
        const sync = of(group).find(({ body }) => body === 'sync ä');
        expect(sync).toMatchObject({ tag: 'a', keys: 'k1 k2', region: 'eu', messageId: sent });
      }
      const again = of('concurrent').filter(({ tag }) => tag === 'again');
      expect(again.map(({ reconsumeTimes }) => reconsumeTimes)).toEqual([0, 1]);
      await client.stop();
      expect(client.output()).toContain('{"closed":true}');
    });
  });
});
