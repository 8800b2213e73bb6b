import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkTls, tlsSocketOpener } from '../../src/transport/index.ts';
import { until } from '../support/until.ts';

const certificates = new URL('../../../../conformance/test/support/certificates/', import.meta.url);
const pem = (name: string): Promise<Buffer> => readFile(new URL(name, certificates));
const never = new AbortController().signal;

/** The types leave out that a server's side of a connection knows it; `false` is no name. */
function namedBy(socket: TLSSocket): string {
  return 'servername' in socket && typeof socket.servername === 'string' ? socket.servername : '';
}

/** A server with TLS, and the names it was asked for. */
async function tlsServer(): Promise<{ port: number; names: string[] }> {
  const names: string[] = [];
  const server = createServer({ key: await pem('server.key'), cert: await pem('server.pem') }, (socket) => {
    names.push(namedBy(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, names };
}

async function opens(load: Parameters<typeof tlsSocketOpener>[0], address: string): Promise<void> {
  const socket = await tlsSocketOpener(load)(address, 5000, never);
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
}

describe('certificates that change', () => {
  it('are read from their files for every new connection', async () => {
    const { port } = await tlsServer();
    const address = `127.0.0.1:${port}`;
    const folder = await mkdtemp(join(tmpdir(), 'tls-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const caFile = join(folder, 'ca.pem');
    const load = checkTls({ caFile });
    await expect(opens(load, address)).rejects.toMatchObject({ code: 'tls-failed' });
    await copyFile(new URL('authority.pem', certificates), caFile);
    await opens(load, address);
    // Half written: what was good before goes on.
    await writeFile(caFile, '-----BEGIN CERTIFICATE-----\nx');
    await opens(load, address);
    // Another authority, which has not signed this server's certificate.
    await copyFile(new URL('stranger.pem', certificates), caFile);
    await expect(opens(load, address)).rejects.toMatchObject({ code: 'tls-failed' });
  });

  it('are asked of a function for every new connection', async () => {
    const { port } = await tlsServer();
    let asked = 0;
    const load = checkTls(async () => {
      asked++;
      return { ca: await pem('authority.pem') };
    });
    await opens(load, `127.0.0.1:${port}`);
    await opens(load, `127.0.0.1:${port}`);
    expect(asked).toBe(2);
  });

  it('are given as contents or as files, not as both', () => {
    expect(() => checkTls({ ca: 'x', caFile: 'y' })).toThrow('ca and caFile are not allowed together');
    expect(() => checkTls({ certFile: 'y' })).toThrow('cert and key are only allowed together');
  });
});

describe('the name a server is asked for', () => {
  it('is that of its address, or the one that is given; an IP address is none', async () => {
    const { port, names } = await tlsServer();
    const ca = await pem('authority.pem');
    await opens(checkTls({ ca, rejectUnauthorized: false }), `localhost:${port}`);
    await opens(
      checkTls({ ca, rejectUnauthorized: false, servername: 'mq.example.com' }),
      `127.0.0.1:${port}`,
    );
    await opens(checkTls({ ca, rejectUnauthorized: false }), `127.0.0.1:${port}`);
    await until(() => names.length === 3, 'three connections');
    expect(names).toEqual(['localhost', 'mq.example.com', '']);
  });
});
