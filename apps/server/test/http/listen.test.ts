import { once } from 'node:events';
import { type AddressInfo, createServer, connect, type Server } from 'node:net';
import { eventually } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkListen, listen, ListenError } from '../../src/http/index.ts';
import { openTable, type Table } from '../game/table.ts';
import { openDoor, type Door } from './door.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

const portOf = (url: string): number => Number(new URL(url).port);

async function holdPort(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

describe('localhost', () => {
  it('is 127.0.0.1 and ::1', async () => {
    const door = await openDoor({}, {}, table);
    const port = portOf(await listen(door.app, { host: 'localhost', port: 0 }));
    for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
      const answer = await fetch(`http://${host}:${port}/healthz`);
      expect([answer.status, await answer.text()]).toEqual([200, 'ok']);
    }
    await door.close();
    for (const host of ['127.0.0.1', '[::1]'])
      await expect(fetch(`http://${host}:${port}/healthz`)).rejects.toThrow();
  });

  it.each(['127.0.0.1', '::1'])(
    'with %s taken fails, names the port and the way out, and holds nothing',
    async (host) => {
      const { server, port } = await holdPort(host);
      const door = await openDoor({}, {}, table);
      const failure = await listen(door.app, { host: 'localhost', port }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(ListenError);
      const { code, message } = failure as ListenError;
      expect(code).toBe('port-in-use');
      expect(message).toContain(`port ${port} is in use`);
      expect(message).toContain('--port N');
      expect(message).toContain(String(port));
      await door.close();
      await new Promise((resolve) => server.close(resolve));
      const again = await openDoor({}, {}, table);
      await listen(again.app, { host: 'localhost', port });
      await again.close();
    },
  );
});

it.each(['127.0.0.1', '::1'])(
  'a port that is taken on %s is found before anything is started',
  async (host) => {
    const taken = createServer();
    taken.listen(0, host);
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(checkListen({ host: 'localhost', port })).rejects.toMatchObject({ code: 'port-in-use' });
    taken.close();
    await once(taken, 'close');
    await expect(checkListen({ host: 'localhost', port })).resolves.toBeUndefined();
  },
);

it('an address that is not of this machine is named', async () => {
  const door = await openDoor({}, {}, table);
  const failure = await listen(door.app, { host: '203.0.113.7', port: 0 }).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'host-unknown' });
  expect((failure as Error).message).toContain('server.host 203.0.113.7');
  await door.close();
});

it('the URL is one that can be called', async () => {
  const door = await openDoor({}, {}, table);
  const url = await listen(door.app, { host: '0.0.0.0', port: 0 });
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  await door.close();
});

describe('closing', () => {
  /** A database whose answers come when they are let go. */
  function held(): { database: Pick<Table['database'], 'query'>; asked: () => boolean; letGo: () => void } {
    let asked = false;
    let letGo: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (letGo = resolve));
    return {
      database: {
        query: async (statement, values) => {
          asked = true;
          await gate;
          return table.database.query(statement, values);
        },
      },
      asked: () => asked,
      letGo,
    };
  }

  it.each(['127.0.0.1', '[::1]'])('waits for a request that is under way on %s', async (host) => {
    const { database, asked, letGo } = held();
    const door: Door = await openDoor({}, { database }, table);
    const port = portOf(await listen(door.app, { host: 'localhost', port: 0 }));
    const answer = fetch(`http://${host}:${port}/readyz`);
    await eventually(asked, { what: 'the request under way' });
    let isClosed = false;
    const closing = door.close().then(() => (isClosed = true));
    const isRefused = (): Promise<boolean> =>
      fetch(`http://${host}:${port}/healthz`).then(
        () => false,
        () => true,
      );
    await eventually(isRefused, { what: 'the refusal of new connections' });
    expect(isClosed).toBe(false);
    letGo();
    expect(await (await answer).text()).toBe('ready');
    const answeredMs = performance.now();
    await closing;
    // Well under the ten seconds after which it would be cut.
    expect(performance.now() - answeredMs).toBeLessThan(8000);
  });

  it.each(['127.0.0.1', '::1'])('cuts what does not end in time on %s', async (host) => {
    const door = await openDoor({ 'server.close_timeout_seconds': 1 }, {}, table);
    const port = portOf(await listen(door.app, { host: 'localhost', port: 0 }));
    const socket = connect({ host, port });
    socket.on('error', () => undefined);
    const ended = once(socket, 'close');
    const arrived = once(door.app.server, 'request');
    socket.write('POST /api/bet HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
    await arrived;
    const startedMs = performance.now();
    await Promise.all([door.close(), ended]);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(10_000);
  });
});

it('bytes that are not HTTP get an envelope, and the connection ends', async () => {
  const door = await openDoor({}, {}, table);
  const port = portOf(await listen(door.app, { host: 'localhost', port: 0 }));
  for (const host of ['127.0.0.1', '::1']) {
    const socket = connect({ host, port });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.write('\u0000\u0001garbage\r\n\r\n');
    await once(socket, 'close');
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(text).toContain('{"code":1000,"message":"invalid request","trace_id":');
  }
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  await door.close();
});
