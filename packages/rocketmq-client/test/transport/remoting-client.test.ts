import { describe, expect, it } from 'vitest';
import { ResponseCode, verifyRequest } from '@dt/rocketmq-protocol';
import { parseAddress } from '../../src/transport/address.ts';
import { RemotingClient } from '../../src/transport/remoting-client.ts';
import { deadAddress, ScriptedServer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

const nothing = { extFields: {}, body: Buffer.alloc(0) };
const options = { connectTimeoutMs: 1000, maxInFlightRequests: 100 };

describe('the remoting client', () => {
  it('shares one connection an address among requests that start together', async () => {
    await using server = await ScriptedServer.start((request, peer) => peer.respond(request, 0));
    const client = new RemotingClient(options);
    await Promise.all(
      [1, 2, 3].map((code) => client.invoke(server.address, code, nothing, { timeoutMs: 5000 })),
    );
    expect(server.peers).toHaveLength(1);
    client.close();
  });

  it('connects again after a connection was lost', async () => {
    await using server = await ScriptedServer.start((request, peer) => {
      if (server.requests.length === 1) peer.socket.destroy();
      else peer.respond(request, 0);
    });
    const lost: string[] = [];
    const client = new RemotingClient({ ...options, onDisconnect: (address) => lost.push(address) });
    await expect(client.invoke(server.address, 1, nothing, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'connection-lost',
    });
    await expect(client.invoke(server.address, 2, nothing, { timeoutMs: 5000 })).resolves.toMatchObject({
      code: 0,
    });
    expect(lost).toEqual([server.address]);
    client.close();
  });

  it('says that nothing was sent when there is no connection', async () => {
    const client = new RemotingClient(options);
    await expect(client.invoke(await deadAddress(), 1, nothing, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'connect-failed',
      outcome: 'not-sent',
      retryable: true,
    });
    client.close();
    await expect(client.invoke('127.0.0.1:1', 1, nothing, { timeoutMs: 5000 })).rejects.toMatchObject({
      code: 'closed',
    });
  });

  it('takes a new connection and repeats when the broker is about to go', async () => {
    await using server = await ScriptedServer.start((request, peer) =>
      peer.respond(request, server.requests.length === 1 ? ResponseCode.GO_AWAY : 0),
    );
    const client = new RemotingClient(options);
    await expect(client.invoke(server.address, 1, nothing, { timeoutMs: 5000 })).resolves.toMatchObject({
      code: 0,
    });
    expect(server.peers).toHaveLength(2);
    client.close();
  });

  it('takes one new connection, however many requests the old one sends away', async () => {
    const held: (() => void)[] = [];
    await using server = await ScriptedServer.start((request, peer) => {
      if (server.peers.length === 1) held.push(() => peer.respond(request, ResponseCode.GO_AWAY));
      else peer.respond(request, 0);
    });
    const client = new RemotingClient(options);
    const [first, second] = [1, 2].map((code) =>
      client.invoke(server.address, code, nothing, { timeoutMs: 5000 }),
    );
    await until(() => held.length === 2, 'both requests');
    held[0]?.();
    await expect(first).resolves.toMatchObject({ code: 0 });
    held[1]?.();
    await expect(second).resolves.toMatchObject({ code: 0 });
    expect(server.peers).toHaveLength(2);
    client.close();
  });

  it('says so when the broker goes on sending it away', async () => {
    await using server = await ScriptedServer.start((request, peer) =>
      peer.respond(request, ResponseCode.GO_AWAY),
    );
    const client = new RemotingClient(options);
    // Twice, and no more: the caller decides what is next.
    await expect(client.invoke(server.address, 1, nothing, { timeoutMs: 5000 })).resolves.toMatchObject({
      code: ResponseCode.GO_AWAY,
    });
    expect(server.requests).toHaveLength(2);
    client.close();
  });

  it('keeps attempts apart while nobody listens, and is there soon when somebody does', async () => {
    const address = await deadAddress();
    const client = new RemotingClient(options);
    let attempts = 0;
    const until = Date.now() + 1500;
    while (Date.now() < until) {
      attempts++;
      await client.invoke(address, 1, nothing, { timeoutMs: 5000 }).catch(() => undefined);
    }
    expect(attempts).toBeLessThan(9);
    await using server = await ScriptedServer.start(
      (request, peer) => peer.respond(request, 0),
      Number(address.split(':')[1]),
    );
    await client.invoke(server.address, 1, nothing, { timeoutMs: 5000 });
    client.close();
  });

  it('is asked again with a pause by a server that takes connections only to close them', async () => {
    await using server = await ScriptedServer.start((_request, peer) => peer.socket.destroy());
    const client = new RemotingClient(options);
    const until = Date.now() + 1000;
    while (Date.now() < until) {
      await client.invoke(server.address, 1, nothing, { timeoutMs: 5000 }).catch(() => undefined);
    }
    expect(server.peers.length).toBeLessThan(9);
    client.close();
  });

  it('rejects at its close who waits for a connection', async () => {
    const address = await deadAddress();
    const client = new RemotingClient(options);
    for (let n = 0; n < 5; n++)
      await client.invoke(address, 1, nothing, { timeoutMs: 5000 }).catch(() => undefined);
    const waiting = client.invoke(address, 1, nothing, { timeoutMs: 5000 });
    client.close();
    await expect(waiting).rejects.toMatchObject({ code: 'closed', outcome: 'not-sent' });
  });

  it('signs every request as it is sent', async () => {
    await using server = await ScriptedServer.start((request, peer) => peer.respond(request, 0));
    const client = new RemotingClient({ ...options, credentials: { accessKey: 'key', secretKey: 'secret' } });
    const payload = { extFields: { a: '1' }, body: Buffer.from('hello') };
    await client.invoke(server.address, 10, payload, { timeoutMs: 5000 });
    const [request] = server.requests;
    expect(request?.extFields['AccessKey']).toBe('key');
    expect(request && verifyRequest(request.extFields, request.body, 'secret')).toBe(true);
    client.close();
  });
});

describe('addresses', () => {
  it.each([
    ['localhost:9876', { host: 'localhost', port: 9876 }],
    ['127.0.0.1:1', { host: '127.0.0.1', port: 1 }],
    ['[::1]:9876', { host: '::1', port: 9876 }],
  ])('%s is one', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
  });

  it.each(['', 'localhost', ':9876', 'a:0', 'a:65536', 'a:b', '::1:9876', 'http://a:1'])(
    '%j is none',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );
});
