import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { main } from '../src/cli.ts';

function outputOf(stream: NodeJS.WriteStream): string[] {
  const lines: string[] = [];
  vi.spyOn(stream, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  return lines;
}

afterEach(() => vi.restoreAllMocks());

describe('a wrong call of rocketmq-embedded', () => {
  test.each([
    [['--prot', '1'], '--prot'],
    [['--port', '70000'], 'nameServerPort: 70000, allowed is an integer from 0 to 65535'],
    [['--flush', 'never'], 'flush: "never", allowed is sync or async'],
    [['--log-level', 'loud'], '--log-level loud: allowed are debug, info, warn, error'],
    [['--tls-cert', 'cert.pem'], '--tls-cert and --tls-key belong together'],
    [['--tls-client-ca', 'ca.pem'], '--tls-cert and --tls-key belong together'],
    [['--tls-cert', 'no-such.pem', '--tls-key', 'no-such.key'], 'no-such.pem'],
  ])('%j ends with 2 and says what is wrong', async (args, text) => {
    const errors = outputOf(process.stderr);
    expect(await main(args)).toBe(2);
    expect(errors.join('')).toContain(text);
  });

  test('leaves no folder behind', async () => {
    outputOf(process.stderr);
    const folder = await mkdtemp(path.join(tmpdir(), 'dt-cli-'));
    const dataDir = path.join(folder, 'data');
    expect(await main(['--data', dataDir, '--port', 'x'])).toBe(2);
    await expect(rm(dataDir)).rejects.toThrow('ENOENT');
    await rm(folder, { recursive: true });
  });
});

test('--help shows every option with its default and examples, and ends with 0', async () => {
  const output = outputOf(process.stdout);
  expect(await main(['--help'])).toBe(0);
  expect(output.join('')).toMatch(/--tls-cert FILE[\s\S]*Examples:/);
});
