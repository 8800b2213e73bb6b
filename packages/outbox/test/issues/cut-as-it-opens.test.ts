import { type AddressInfo, createServer } from 'node:net';
import { once } from 'node:events';
import pg from 'pg';
import { expect, it } from 'vitest';
import { fromPgPool } from '../../src/index.ts';

/** A message of PostgreSQL's protocol. */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

it('a connection that is ended by what also says that it is there fails its transaction alone', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.end(
        Buffer.concat([
          message('R', Buffer.alloc(4)),
          message('Z', Buffer.from('I')),
          message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0')),
        ]),
      );
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'u', database: 'd', password: 'p' });
  pool.on('error', () => {});
  try {
    const work = fromPgPool(pool).transaction((tx) => tx.query('SELECT 1'));
    await expect(work).rejects.toThrow();
  } finally {
    await pool.end();
    server.close();
  }
});
