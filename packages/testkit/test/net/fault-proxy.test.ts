import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually, faultProxy, type FaultProxy } from '../../src/index.ts';

/** Answers every line with the line; remembers what it got. */
const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    got += chunk.toString();
    socket.write(`echo ${chunk.toString()}`);
  });
  socket.on('end', () => socket.end());
});
let got = '';
let proxy: FaultProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  got = '';
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  proxy = await faultProxy({ target: `127.0.0.1:${(server.address() as AddressInfo).port}` });
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  server.unref();
});

function open({ port } = proxy): {
  socket: Socket;
  text: () => string;
  closed: () => boolean;
  error: () => string | undefined;
} {
  const socket = connect(port, '127.0.0.1');
  clients.push(socket);
  let text = '';
  let error: string | undefined;
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', (reason: NodeJS.ErrnoException) => (error = reason.code));
  return { socket, text: () => text, closed: () => socket.closed, error: () => error };
}

test('passes bytes both ways, and the end of a stream', async () => {
  const { socket, text, closed } = open();
  socket.write('a');
  await eventually(() => text() === 'echo a');
  socket.end();
  await eventually(closed);
  await eventually(() => proxy.connections === 0);
});

test('cut resets what is open and takes new connections', async () => {
  const first = open();
  first.socket.write('a');
  await eventually(() => first.text() === 'echo a');
  proxy.cut();
  await eventually(first.closed);
  expect(first.error()).toBe('ECONNRESET');
  const second = open();
  second.socket.write('b');
  await eventually(() => second.text() === 'echo b');
});

test('refuse lets nobody in until accept, on the same port', async () => {
  const address = proxy.address;
  await proxy.refuse();
  const refused = open();
  await eventually(refused.closed);
  expect(refused.error()).toBe('ECONNREFUSED');
  await proxy.accept();
  expect(proxy.address).toBe(address);
  const taken = open();
  taken.socket.write('a');
  await eventually(() => taken.text() === 'echo a');
});

test('stall holds bytes on open sockets, and lets them go on later', async () => {
  const { socket, text, closed } = open();
  socket.write('a');
  await eventually(() => text() === 'echo a');
  proxy.setMode('stall');
  socket.write('b');
  await expect(eventually(() => got === 'ab', { timeoutMs: 100 })).rejects.toThrow();
  expect(closed()).toBe(false);
  proxy.setMode('pass');
  await eventually(() => text() === 'echo aecho b');
});

test('drop-answers lets the server do its work and keeps silent about it', async () => {
  const { socket, text } = open();
  proxy.setMode('drop-answers');
  socket.write('a');
  await eventually(() => got === 'a');
  proxy.setMode('pass');
  socket.write('b');
  await eventually(() => text() === 'echo b');
});

test('a delay keeps the order', async () => {
  const { socket, text } = open();
  proxy.setDelay(60);
  const start = performance.now();
  socket.write('a');
  await eventually(() => text() === 'echo a');
  expect(performance.now() - start).toBeGreaterThanOrEqual(118);
  socket.write('b');
  await eventually(() => proxy.connections === 1);
  proxy.setDelay(0);
  socket.write('c');
  await eventually(() => got === 'abc');
});

test('abandon takes the server away without a word to the client', async () => {
  const first = open();
  first.socket.write('a');
  await eventually(() => first.text() === 'echo a');
  proxy.abandon();
  first.socket.write('b');
  const second = open();
  second.socket.write('c');
  await eventually(() => second.text() === 'echo c');
  expect(got).toBe('ac');
  expect([first.text(), first.closed()]).toEqual(['echo a', false]);
});

test('bandwidth is a bound on bytes a second', async () => {
  proxy.setBandwidth(10_000);
  const { socket, text } = open();
  const startedMs = performance.now();
  socket.write('x'.repeat(2000));
  await eventually(() => text().length >= 2000);
  expect(performance.now() - startedMs).toBeGreaterThan(190);
});

test('answers can be held back and go on behind later ones', async () => {
  await using reordering = await faultProxy({
    target: proxy.target,
    rewriteAnswers: () => {
      let held: Buffer | undefined;
      return (chunk, write) => {
        if (held === undefined) {
          held = chunk;
          return Buffer.alloc(0);
        }
        setImmediate(write, held);
        return chunk;
      };
    },
  });
  const { socket, text } = open(reordering);
  socket.write('a');
  await eventually(() => got === 'a');
  socket.write('b');
  await eventually(() => text() === 'echo becho a');
});
