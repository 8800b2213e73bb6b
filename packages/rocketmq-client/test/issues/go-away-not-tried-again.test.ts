import { Producer } from '@dt/rocketmq-client';
import { RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { expect, it } from 'vitest';
import { ScriptedCluster } from '../support/scripted-cluster.ts';

// A broker that shuts down gracefully sends away over new connections, too.
it('a message that a broker sends away again and again is tried elsewhere or later', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  cluster.on(RequestCode.SEND_MESSAGE_V2, (request, peer) => {
    if (cluster.server.requestsOf(request.code).length > 2) cluster.accept(request, peer);
    else peer.respond(request, ResponseCode.GO_AWAY);
  });
  await using producer = new Producer({ nameServers: cluster.address, group: 'PG', retryPauseMs: 10 });
  await producer.start();
  const { status } = await producer.send({ topic: 'T', body: 'x' });
  expect(status).toBe('SEND_OK');
});
