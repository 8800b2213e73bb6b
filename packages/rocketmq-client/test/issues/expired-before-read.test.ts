import type { RemotingCommand } from '@dt/rocketmq-protocol';
import { expect, it } from 'vitest';
import { RemotingClient } from '../../src/transport/index.ts';
import { type Peer, ScriptedServer } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

it('a request whose answer lay in the socket while the process was busy does not time out', async () => {
  const asked: [RemotingCommand, Peer][] = [];
  await using server = await ScriptedServer.start((request, peer) => void asked.push([request, peer]));
  const client = new RemotingClient({ connectTimeoutMs: 5000, maxInFlightRequests: 10 });
  const nothing = { extFields: {}, body: Buffer.alloc(0) };
  // With the connection open, the time is the request's alone.
  const first = client.invoke(server.address, 1, nothing, { timeoutMs: 5000 });
  await until(() => asked.length === 1, 'the first request');
  asked[0]?.[1].respond(asked[0][0], 0);
  await first;
  const timeoutMs = 500;
  const answer = client.invoke(server.address, 2, nothing, { timeoutMs });
  await until(() => asked.length === 2, 'the second request');
  asked[1]?.[1].respond(asked[1][0], 0);
  const busyUntil = Date.now() + timeoutMs + 50;
  while (Date.now() < busyUntil);
  await expect(answer).resolves.toMatchObject({ code: 0 });
  client.close();
});
