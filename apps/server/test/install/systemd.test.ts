import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { stopWithinMs } from '../../src/cli/serve.ts';
import { loadConfig } from '../../src/config/index.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const file = `${root}deploy/dt-server.service`;
const unit = readUnit(readFileSync(file, 'utf8'));

/** Values by section and key, in the order of the file. */
function readUnit(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  let section = '';
  for (const [at, line] of text.split('\n').entries()) {
    if (/^\s*([#;].*)?$/.test(line)) continue;
    const head = /^\[(\w+)\]$/.exec(line);
    const pair = /^(\w+)=(.*)$/.exec(line);
    if (head) section = head[1] as string;
    else if (pair && section !== '') {
      const key = `${section}.${pair[1]}`;
      values.set(key, [...(values.get(key) ?? []), pair[2] as string]);
    } else throw new Error(`line ${at + 1} is none of a unit: ${line}`);
  }
  return values;
}

const service = (key: string): string | undefined => unit.get(`Service.${key}`)?.at(-1);
const environment = Object.fromEntries(
  (unit.get('Service.Environment') ?? []).map((pair) => pair.split('=') as [string, string]),
);

describe('deploy/dt-server.service', () => {
  it('is a unit: systemd finds nothing in it where it is there', async () => {
    expect([...unit.keys()].map((key) => key.split('.')[0])).toEqual(
      expect.arrayContaining(['Unit', 'Service', 'Install']),
    );
    if (spawnSync('systemd-analyze', ['--version']).status !== 0) return;
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', file]);
    expect(stdout + stderr).toBe('');
  });

  it('starts a program and a command that exist, with the settings that its head installs', () => {
    const [, node, script, command, ...flags] = (service('ExecStart') ?? '').split(' ');
    expect([node, script, command]).toEqual(['node', 'apps/server/bin/dt.js', 'serve']);
    expect(flags).toEqual(['--config', '/etc/dt-server/config.json', '--data-dir', '/var/lib/dt-server']);
    expect(readFileSync(file, 'utf8')).toMatch(
      /install .*config\/docker\.json \/etc\/dt-server\/config\.json/,
    );
    readFileSync(`${root}${script}`);
  });

  it('gives the server longer to stop than it takes', () => {
    const { config, warnings } = loadConfig({ file: `${root}config/docker.json`, env: environment });
    expect(warnings.filter((line) => line.includes('unknown setting'))).toEqual([]);
    expect(config.server.drain_seconds).toBe(10);
    expect(Number(service('TimeoutStopSec')) * 1000).toBeGreaterThan(
      config.server.drain_seconds * 1000 + stopWithinMs,
    );
    expect(service('KillSignal')).toBe('SIGTERM');
  });

  it('comes back after a crash and never gives up, but for a wrong configuration', () => {
    expect(service('Restart')).toBe('on-failure');
    expect(service('RestartPreventExitStatus')).toBe('2');
    expect(unit.get('Unit.StartLimitIntervalSec')).toEqual(['0']);
  });

  it('runs as nobody of weight, writes to its own folder alone, and has its secrets in a file', () => {
    expect(service('User')).toBe('dt-server');
    expect(service('EnvironmentFile')).toBe('/etc/dt-server/environment');
    expect(service('StateDirectory')).toBe('dt-server');
    const set = ['NoNewPrivileges', 'ProtectHome', 'PrivateTmp', 'PrivateDevices', 'RestrictNamespaces'];
    expect(set.map(service)).toEqual(set.map(() => 'yes'));
    expect(service('ProtectSystem')).toBe('strict');
    expect(service('CapabilityBoundingSet')).toBe('');
    // Node makes code while it runs.
    expect(service('MemoryDenyWriteExecute')).toBeUndefined();
    expect(Object.keys(environment).filter((name) => /secret|token|password|url/i.test(name))).toEqual([]);
  });
});
