import { Command } from 'commander';
import { afterEach, expect, it, vi } from 'vitest';
import { mqadminCommand } from '../../src/cli/mqadmin.ts';

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

async function run(...args: string[]): Promise<{ code: unknown; stderr: string }> {
  const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  vi.stubEnv('NAMESRV_ADDR', '');
  const dt = new Command('dt').version('1', '-v, --version').enablePositionalOptions();
  await dt.addCommand(mqadminCommand()).parseAsync(['mqadmin', ...args], { from: 'user' });
  return { code: process.exitCode, stderr: written.mock.calls.map(([text]) => String(text)).join('') };
}

it('leaves all flags to mqadmin, those that dt has too', async () => {
  const { code, stderr } = await run('updateBrokerConfig', '-c', 'C', '-k', 'name', '-v');
  expect(stderr).toContain("dt mqadmin: option '-v, --value <value>' argument missing");
  expect(code).toBe(2);
});

it("asks the NameServer of the server's configuration where no other is named", async () => {
  vi.stubEnv('DT_ROCKETMQ__NAME_SERVER', '127.0.0.1:1');
  const { code, stderr } = await run('topicList');
  expect(stderr).toContain('connect ECONNREFUSED 127.0.0.1:1\n');
  expect(code).toBe(1);
});
