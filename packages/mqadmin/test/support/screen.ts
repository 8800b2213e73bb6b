import { PassThrough } from 'node:stream';
import type { Terminal } from '../../src/output/index.ts';

/** A terminal whose screen can be read. */
export function fakeTerminal({ isTTY = false } = {}): {
  terminal: Terminal;
  stdin: PassThrough;
  stdout: () => string;
  stderr: () => string;
} {
  const stdin = new PassThrough();
  const streams = { stdin, stdout: new PassThrough(), stderr: new PassThrough() };
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    streams[name].on('data', (chunk: Buffer) => (written[name] += chunk.toString()));
  const terminal = Object.fromEntries(
    Object.entries(streams).map(([name, stream]) => [name, Object.assign(stream, { isTTY })]),
  ) as unknown as Terminal;
  return { terminal, stdin, stdout: () => written.stdout, stderr: () => written.stderr };
}
