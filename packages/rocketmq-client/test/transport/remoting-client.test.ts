import { describe, expect, it } from 'vitest';
import { ResponseCode, verifyRequest } from '@dt/rocketmq-protocol';
import { parseAddress } from '../../src/transport/address.ts';
import { RemotingClient } from '../../src/transport/remoting-client.ts';
import { deadAddress, ScriptedServer } from '../support/scripted-server.ts';

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
