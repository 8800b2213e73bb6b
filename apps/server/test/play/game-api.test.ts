import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { CallError, GameApi, type GameApiOptions } from '../../src/play/index.ts';

const round = { roundId: 'r-1', gameId: 'g', roomId: 'm' };
const player = { platformUserId: 'p_1', userName: 'Ann Müller' };
const bet = { player, playType: 1, stakeMinor: 3_000n, idempotencyKey: 'k' };
const placed = { code: 0, message: 'success', data: { bill_no: 'DT1', remain_amount: '70.00' } };

type Handler = (request: IncomingMessage, response: ServerResponse, body: string, count: number) => void;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** A server that answers as the script of a test says. */
async function serve(
  handler: Handler,
): Promise<{ server: Server; baseUrl: string; bodies: string[]; sockets: Set<Socket> }> {
  const bodies: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(body);
      handler(request, response, body, bodies.length);
    });
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { server, baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, bodies, sockets };
}

function connect(baseUrl: string, options: Partial<GameApiOptions> = {}): GameApi {
  const api = new GameApi({ baseUrl, adminToken: 'secret', ...options });
  closing.unshift(() => api.close());
  return api;
}

const json = (response: ServerResponse, status: number, body: unknown, headers = {}): void => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

describe('a call', () => {
  it('carries the contract’s fields and headers', async () => {
    const seen: { url: string | undefined; headers: IncomingMessage['headers'] }[] = [];
    const { baseUrl, bodies } = await serve(({ url, headers }, response) => {
      seen.push({ url, headers });
      json(response, 200, placed);
    });
    const api = connect(baseUrl, { platform: { key: 'acme', secret: 's' } });
    expect(await api.bet(round, bet)).toEqual({ billNo: 'DT1', remainMinor: 7_000n });
    await api.event(round, 2);
    expect(bodies.map((body) => JSON.parse(body) as unknown)).toEqual([
      {
        game_id: 'g',
        room_id: 'm',
        game_round_id: 'r-1',
        bet_amount: '30.00',
        play_type: 1,
        idempotency_key: 'k',
      },
      { game_id: 'g', room_id: 'm', game_round_id: 'r-1', event_type: 2 },
    ]);
    expect(seen[0]).toMatchObject({
      url: '/api/bet',
      headers: {
        'x-platform-user-id': 'p_1',
        'x-platform-user-name': 'Ann%20M%C3%BCller',
        'x-platform-key': 'acme',
      },
    });
    expect(seen[1]).toMatchObject({ url: '/api/game_event', headers: { authorization: 'Bearer secret' } });
  });

  it('that is refused carries code, status and text, and is not made again', async () => {
    const { baseUrl, bodies } = await serve((_, response) =>
      json(response, 409, { code: 2003, message: 'not now: r-0' }),
    );
    const failure = await connect(baseUrl, { retry: { forMs: 5_000 } })
      .event(round, 1)
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CallError);
    expect(failure).toMatchObject({
      failure: 'refused',
      code: 2003,
      httpStatus: 409,
      reply: 'not now: r-0',
    });
    expect(bodies).toHaveLength(1);
  });

  it('that fails is given up at once unless asked otherwise', async () => {
    const { baseUrl, bodies } = await serve((_, response) =>
      json(response, 500, { code: 5000, message: 'busy' }),
    );
    await expect(connect(baseUrl).bet(round, bet)).rejects.toMatchObject({ failure: 'fault', code: 5000 });
    expect(bodies).toHaveLength(1);
  });

  it('is made again with the same body over faults, cut connections and silence until it succeeds', async () => {
    const { baseUrl, bodies } = await serve((request, response, _, count) => {
      if (count === 1) json(response, 503, { code: 5000, message: 'down' });
      else if (count === 2) request.socket.destroy();
      else if (count === 3) response.writeHead(200, { 'content-length': 100 }).write('{"code":0');
      else json(response, 200, placed);
      if (count === 3) setImmediate(() => request.socket.destroy());
    });
    const api = connect(baseUrl, { retry: { forMs: 10_000 }, timeoutMs: 2_000 });
    expect(await api.bet(round, bet)).toMatchObject({ billNo: 'DT1' });
    expect(bodies).toHaveLength(4);
    expect(new Set(bodies).size).toBe(1);
  });

  it('outlives a server that is away for a while', async () => {
    const first = await serve((_, response) => json(response, 200, placed));
    const api = connect(first.baseUrl, { retry: { forMs: 10_000 } });
    await api.bet(round, bet);
    const { port } = first.server.address() as AddressInfo;
    first.server.closeAllConnections();
    await new Promise((resolve) => first.server.close(resolve));
    const answer = api.bet(round, bet);
    const second = createServer((_, response) =>
      json(response, 200, { ...placed, data: { bill_no: 'DT2', remain_amount: '0.00' } }),
    );
    setTimeout(() => second.listen(port, '127.0.0.1'), 300);
    closing.push(() => {
      second.closeAllConnections();
      return new Promise((resolve) => second.close(resolve));
    });
    expect(await answer).toEqual({ billNo: 'DT2', remainMinor: 0n });
  });

  it('is made again when the server asks for patience, also without retries', async () => {
    const { baseUrl, bodies } = await serve((_, response, __, count) =>
      count === 1
        ? json(response, 202, { code: 2001, message: 'under way' }, { 'retry-after': '0' })
        : count === 2
          ? json(response, 429, { code: 4000, message: 'slow down' })
          : json(response, 200, placed),
    );
    expect(await connect(baseUrl).bet(round, bet)).toMatchObject({ billNo: 'DT1' });
    expect(bodies).toHaveLength(3);
  });

  it('survives a server that closes idle connections', async () => {
    const { baseUrl, sockets } = await serve((_, response) => json(response, 200, placed));
    const api = connect(baseUrl);
    for (let call = 0; call < 20; call++) {
      await api.bet(round, bet);
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
    }
  });

  it('is not waited for longer than its time-out', async () => {
    const { baseUrl } = await serve(() => undefined);
    await expect(connect(baseUrl, { timeoutMs: 50 }).bet(round, bet)).rejects.toMatchObject({
      failure: 'transport',
      message: expect.stringContaining('no answer within 50 ms') as string,
    });
  });

  it('ends when its signal is raised', async () => {
    const { baseUrl } = await serve(() => undefined);
    const stop = new AbortController();
    const answer = connect(baseUrl, { retry: { forMs: 60_000 } }).bet(round, bet, stop.signal);
    stop.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
  });

  it.each([
    ['a missing field', { code: 0, data: { bill_no: 'DT1' } }],
    ['a float amount', { code: 0, data: { bill_no: 'DT1', remain_amount: 70 } }],
  ])('refuses an answer with %s', async (_, body) => {
    const { baseUrl } = await serve((__, response) => json(response, 200, body));
    await expect(connect(baseUrl).bet(round, bet)).rejects.toThrow(/remain_amount is/);
  });
});
