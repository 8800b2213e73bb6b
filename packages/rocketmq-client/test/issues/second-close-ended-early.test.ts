import { RequestCode } from '@dt/rocketmq-protocol';
import { expect, it } from 'vitest';
import { ClientInstance } from '../../src/client/index.ts';
import { checkClientOptions } from '../../src/options.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

it('a second close at the same time waits for the brokers to be told, as the first does', async () => {
  await using cluster = await ScriptedCluster.start({ T: 1 });
  const client = new ClientInstance({
    ...checkClientOptions({ nameServers: cluster.address }),
    membership: { producerGroups: ['G'], consumers: [] },
  });
  await client.start();
  await client.routes.get('T');
  let answer: () => void = () => undefined;
  cluster.on(RequestCode.UNREGISTER_CLIENT, (request, peer) => (answer = () => peer.respond(request, 0)));
  const ended: string[] = [];
  const closing = [1, 2].map((n) => client.close(60_000).then(() => ended.push(`close ${n}`)));
  await until(() => cluster.server.requestsOf(RequestCode.UNREGISTER_CLIENT).length > 0, 'the farewell');
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toEqual([]);
  answer();
  await Promise.all(closing);
  expect(ended).toEqual(['close 1', 'close 2']);
});
