import { createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Admin, type ClientOptions } from '@dt/rocketmq-client';
import { checkTls, tlsSocketOpener } from '../../src/transport/index.ts';

/** A port without TLS, with what it does to who connects. */
async function plainPort(greet: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    greet(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the option tls', () => {
  it.each([
    [{ cert: 'x' }, 'tls: cert and key are only allowed together'],
    [{ key: 'x' }, 'tls: cert and key are only allowed together'],
    [{ cert: 'x', key: 'y' }, 'tls: ca, cert or key cannot be used, expected PEM'],
    [{ servername: '' }, 'tls.servername'],
    [{ rejectUnauthorized: 'no' as unknown as boolean }, 'tls.rejectUnauthorized'],
  ] as [NonNullable<ClientOptions['tls']>, string][])('refuses %j', (tls, text) => {
    expect(() => new Admin({ nameServers: 'localhost:9876', tls })).toThrow(text);
  });

  it('takes true and nothing at all', () => {
    expect(() => new Admin({ nameServers: 'localhost:9876', tls: true })).not.toThrow();
    expect(() => new Admin({ nameServers: 'localhost:9876', tls: {} })).not.toThrow();
  });
});

describe('a connection with TLS', () => {
  const open = tlsSocketOpener(checkTls(true));
  const never = new AbortController().signal;

  it('to a port that answers without TLS fails for good', async () => {
    const address = await plainPort((socket) => socket.write('good morning'));
    await expect(open(address, 5000, never)).rejects.toMatchObject({
      code: 'tls-failed',
      retryable: false,
      outcome: 'not-sent',
      message: expect.stringContaining('the port answers without TLS') as string,
    });
  });

  it('that ends during the handshake may succeed later', async () => {
    const address = await plainPort((socket) => socket.end());
    await expect(open(address, 5000, never)).rejects.toMatchObject({
      code: 'connect-failed',
      retryable: true,
    });
  });

  it('to a port that says nothing ends in time', async () => {
    const address = await plainPort(() => undefined);
    await expect(open(address, 100, never)).rejects.toMatchObject({
      code: 'connect-failed',
      message: expect.stringContaining('no TLS handshake within 100 ms') as string,
    });
  });
});
