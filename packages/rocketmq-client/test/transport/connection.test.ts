import { connect } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createRequest, encodeCommand, createResponse, type RemotingCommand } from '@dt/rocketmq-protocol';
import { Connection, type ConnectionOptions } from '../../src/transport/connection.ts';
import type { RocketMQError } from '../../src/errors.ts';
import { ScriptedServer, type Script } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

const nothing = { extFields: {}, body: Buffer.alloc(0) };
const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const part of open.splice(0)) await part.close();
});

async function setUp(
  script: Script,
  options: Partial<ConnectionOptions> = {},
): Promise<{
  server: ScriptedServer;
  connection: Connection;
  closedWith: RocketMQError[];
  /** How often the socket was written to. */
  writes: () => number;
}> {
  const server = await ScriptedServer.start(script);
  const socket = connect(server.port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  const write = vi.spyOn(socket, 'write');
  const closedWith: RocketMQError[] = [];
  const connection = new Connection(socket, {
    address: server.address,
    maxInFlightRequests: 1000,
    silenceTimeoutMs: 20_000,
    onRequest: async () => undefined,
    onClose: (error) => closedWith.push(error),
    ...options,
  });
  open.push(connection, server);
  return { server, connection, closedWith, writes: () => write.mock.calls.length };
}

describe('a connection', () => {
  it('matches answers that come in another order', async () => {
    const waiting: RemotingCommand[] = [];
    const { connection } = await setUp((request, peer) => {
      waiting.push(request);
      if (waiting.length === 3) for (const late of waiting.reverse()) peer.respond(late, late.code);
    });
    const answers = await Promise.all(
      [1, 2, 3].map((code) => connection.invoke(code, nothing, { timeoutMs: 5000 })),
    );
    expect(answers.map((answer) => answer.code)).toEqual([1, 2, 3]);
  });

  it('drops an answer that comes after the time-out and stays in step', async () => {
    let first: RemotingCommand | undefined;
    const { connection } = await setUp((request, peer) => {
      if (first === undefined) {
        first = request;
        return;
      }
      peer.respond(first, 99, { body: Buffer.alloc(5000, 1) });
      peer.respond(request, 0, { body: Buffer.from('mine') });
    });
    await expect(connection.invoke(11, nothing, { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'timeout',
      outcome: 'unknown',
      retryable: true,
    });
    const answer = await connection.invoke(12, nothing, { timeoutMs: 5000 });
    expect([answer.code, answer.body.toString()]).toEqual([0, 'mine']);
  });

  it('takes a request of the peer that has the number of one of its own', async () => {
    const asked: RemotingCommand[] = [];
    const { connection } = await setUp(
      (request, peer) => {
        // A broker tells about new members before it answers the heartbeat that made them known.
        peer.send(
          createRequest(40, { extFields: { consumerGroup: 'G' } }, { opaque: request.opaque, oneway: true }),
        );
        peer.respond(request, 0);
      },
      { onRequest: async (request) => void asked.push(request) },
    );
    expect((await connection.invoke(34, nothing, { timeoutMs: 5000 })).code).toBe(0);
    expect(asked.map((request) => request.extFields['consumerGroup'])).toEqual(['G']);
  });

  it('answers requests of the peer, also unknown and failing ones', async () => {
    const { server } = await setUp(() => undefined, {
      onRequest: async (request) => {
        if (request.code === 1) return { extFields: { a: 'b' }, body: Buffer.from('x') };
        if (request.code === 2) throw new Error('broken');
        return undefined;
      },
    });
    await until(() => server.peers.length === 1, 'a connection');
    for (const code of [1, 2, 3]) server.peers[0]?.send(createRequest(code, {}, { opaque: 70 + code }));
    server.peers[0]?.send(createRequest(3, {}, { opaque: 79, oneway: true }));
    await until(() => server.requests.length === 3, 'three answers');
    const byOpaque = new Map(server.requests.map((answer) => [answer.opaque, answer]));
    expect(byOpaque.get(71)).toMatchObject({ flag: 1, code: 0, body: Buffer.from('x') });
    expect(byOpaque.get(72)).toMatchObject({ code: 1, remark: 'broken' });
    expect(byOpaque.get(73)).toMatchObject({ code: 3, remark: ' request type 3 not supported' });
  });

  it('rejects all that waits when the peer closes in the middle of an answer', async () => {
    const { connection, closedWith } = await setUp((request, peer) => {
      const answer = encodeCommand(createResponse(request, 0, { body: Buffer.alloc(100) }));
      peer.socket.end(answer.subarray(0, answer.length - 10));
    });
    const results = await Promise.allSettled(
      [1, 2].map((code) => connection.invoke(code, nothing, { timeoutMs: 5000 })),
    );
    for (const result of results) {
      expect(result).toMatchObject({
        reason: { code: 'connection-lost', outcome: 'unknown', retryable: true },
      });
    }
    expect(closedWith).toHaveLength(1);
    await expect(connection.invoke(3, nothing, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'connection-lost',
      outcome: 'not-sent',
    });
  });

  it('closes on bytes that are no frame', async () => {
    const { connection, closedWith } = await setUp((_, peer) =>
      peer.socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    );
    await expect(connection.invoke(1, nothing, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'bad-answer',
    });
    expect(connection.closed).toBe(true);
    expect(closedWith[0]?.message).toMatch(/frame/);
  });

  it('asks a peer that let a request time out for a sign of life, and gives it up without one', async () => {
    const { connection, server, closedWith } = await setUp(() => undefined);
    await expect(connection.invoke(1, nothing, { timeoutMs: 100 })).rejects.toMatchObject({
      code: 'timeout',
    });
    await until(() => server.requests.length === 2, 'the question');
    await until(() => connection.closed, 'the end');
    expect(closedWith[0]?.message).toContain('the peer is silent');
  });

  it('finds a peer that is gone while requests wait for long', async () => {
    const { connection } = await setUp(() => undefined, { silenceTimeoutMs: 100 });
    await expect(connection.invoke(11, nothing, { timeoutMs: 60_000 })).rejects.toMatchObject({
      code: 'connection-lost',
      outcome: 'unknown',
      retryable: true,
    });
  });

  it('keeps a silent peer that gives a sign of life', async () => {
    const { connection, server } = await setUp(
      (request, peer) => {
        if (request.code !== 11) peer.respond(request, 3);
      },
      { silenceTimeoutMs: 50 },
    );
    const held = connection.invoke(11, nothing, { timeoutMs: 60_000 });
    await until(() => server.requests.length >= 5, 'questions');
    expect(connection.closed).toBe(false);
    for (const request of server.requestsOf(11)) server.peers[0]?.respond(request, 0);
    await held;
  });

  it('keeps a peer that answers something', async () => {
    const { connection } = await setUp((request, peer) => {
      if (request.code === 2) peer.respond(request, 0);
    });
    const deadline = Date.now() + 3000;
    while (Date.now() < deadline) {
      const lost = connection.invoke(1, nothing, { timeoutMs: 300 }).catch(() => undefined);
      await connection.invoke(2, nothing, { timeoutMs: 300 });
      await lost;
    }
    expect(connection.closed).toBe(false);
  });

  it('refuses more requests than may wait, and has room again when one ends', async () => {
    const { connection, server } = await setUp(() => undefined, { maxInFlightRequests: 2 });
    const waiting = [1, 2].map((code) => connection.invoke(code, nothing, { timeoutMs: 5000 }));
    await expect(connection.invoke(3, nothing, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'overloaded',
      outcome: 'not-sent',
    });
    server.script = (request, peer) => peer.respond(request, 0);
    await until(() => server.requests.length === 2, 'both requests');
    for (const request of server.requests) server.peers[0]?.respond(request, 0);
    await Promise.all(waiting);
    await expect(connection.invoke(3, nothing, { timeoutMs: 5000 })).resolves.toMatchObject({ code: 0 });
  });

  it('stops waiting when its caller gives up', async () => {
    const { connection, server } = await setUp(() => undefined);
    const abort = new AbortController();
    const waiting = connection.invoke(1, nothing, { timeoutMs: 5000, signal: abort.signal });
    await until(() => server.requests.length === 1, 'the request');
    abort.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'aborted', outcome: 'unknown' });
    await expect(
      connection.invoke(1, nothing, { timeoutMs: 5000, signal: abort.signal }),
    ).rejects.toMatchObject({
      code: 'aborted',
      outcome: 'not-sent',
    });
  });

  it('writes at once when alone, and together what comes in one turn', async () => {
    const { connection, writes } = await setUp((request, peer) => peer.respond(request, request.code));
    const alone = connection.invoke(1, nothing, { timeoutMs: 5000 });
    expect(writes()).toBe(1);
    await alone;
    const codes = Array.from({ length: 300 }, (_, n) => n);
    const body = Buffer.alloc(1000, 'x');
    const answers = await Promise.all(
      // A turn holds what follows in its microtasks, too.
      codes.map((code) =>
        Promise.resolve().then(() => connection.invoke(code, { extFields: {}, body }, { timeoutMs: 5000 })),
      ),
    );
    expect(answers.map((answer) => answer.code)).toEqual(codes);
    expect(writes()).toBeLessThan(10);
  });

  it('ends each request at its own time', async () => {
    const { connection } = await setUp(() => undefined);
    const ended: number[] = [];
    const startedAt = Date.now();
    await Promise.all(
      [1200, 50, 600].map((timeoutMs) =>
        connection.invoke(1, nothing, { timeoutMs }).catch(() => {
          ended.push(timeoutMs);
          expect(Date.now() - startedAt).toBeGreaterThanOrEqual(timeoutMs - 1);
        }),
      ),
    );
    expect(ended).toEqual([50, 600, 1200]);
  });

  it('writes no more than the peer reads, and all of it in the end', async () => {
    const { connection, server } = await setUp((request, peer) => peer.respond(request, 0));
    await until(() => server.peers.length === 1, 'a connection');
    const peer = server.peers[0];
    peer?.socket.pause();
    const body = Buffer.alloc(1_000_000, 1);
    const sends = Array.from({ length: 40 }, () =>
      connection.invoke(10, { extFields: {}, body }, { timeoutMs: 20_000 }),
    );
    const early = connection.invoke(10, { extFields: {}, body }, { timeoutMs: 50 });
    await expect(early).rejects.toMatchObject({ code: 'timeout', outcome: 'not-sent' });
    peer?.socket.resume();
    const answers = await Promise.all(sends);
    expect(answers).toHaveLength(40);
    expect(server.requests).toHaveLength(40);
  });
});
