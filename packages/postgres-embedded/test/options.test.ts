import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveOptions, type PostgresOptions } from '../src/options.ts';

describe('options', () => {
  it('have defaults, and an absolute data folder', () => {
    expect(resolveOptions({ dataDir: 'data' })).toMatchObject({
      dataDir: path.resolve('data'),
      database: 'dt',
      user: 'postgres',
      stopWhenOrphaned: true,
      startTimeoutMs: 60_000,
    });
  });

  const wrong: [string, Partial<Record<keyof PostgresOptions, unknown>>, RegExp][] = [
    ['an empty data folder', { dataDir: '' }, /^dataDir: "" is not allowed; allowed is the path of a folder/],
    ['a port out of range', { port: 65_536 }, /^port: 65536 .* from 1 to 65535/],
    ['a port that is no number', { port: '5432' }, /^port: "5432"/],
    ['another transport', { transport: 'quic' }, /^transport: "quic" .* 'unix' or 'tcp'/],
    ['a database name that is too long', { database: 'ä'.repeat(32) }, /^database: .* 1 to 63 bytes/],
    ['a database name that no URI can hold', { database: 'a/b' }, /^database: "a\/b" .* a name without/],
    ['a reserved user', { user: 'pg_admin' }, /^user: "pg_admin"/],
    ['root as the account', { runAs: { uid: 0, gid: 0 } }, /^runAs.uid: 0/],
    [
      'a parameter that would cut the connection',
      { parameters: { Port: '1' } },
      /^parameters.Port: "1" .* set by this package/,
    ],
    [
      'a parameter of two lines',
      { parameters: { search_path: "x\nfsync = 'off'" } },
      /^parameters.search_path/,
    ],
    ['a parameter whose name is none', { parameters: { 'a = 1; b': '' } }, /^parameters: "a = 1; b"/],
    ['a time-out of zero', { startTimeoutMs: 0 }, /^startTimeoutMs: 0/],
  ];
  it.each(wrong)('refuse %s', (_, part, message) => {
    expect(() => resolveOptions({ dataDir: 'data', ...part } as PostgresOptions)).toThrow(
      expect.objectContaining({ code: 'option-invalid', message: expect.stringMatching(message) as string }),
    );
  });
});
