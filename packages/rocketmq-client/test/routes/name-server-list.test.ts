import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Admin, RocketMQError } from '@dt/rocketmq-client';
import { parseNameServerList } from '../../src/routes/name-server-list.ts';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

/** An address server with its answer, which can change. */
async function addressServer(answer: { status: number; text: string }): Promise<string> {
  const server: Server = createServer((_request, response) => {
    response.writeHead(answer.status).end(answer.text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/rocketmq/nsaddr`;
}

async function startFailure(admin: Admin): Promise<RocketMQError> {
  const error: unknown = await admin.start().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RocketMQError);
  return error as RocketMQError;
}

describe('a list of NameServers over HTTP', () => {
  it('is asked for at the start and again on a timer; a bad one changes nothing', async () => {
    await using first = await ScriptedCluster.start({ T: 1 });
    await using second = await ScriptedCluster.start({ T: 1 });
    const answer = { status: 200, text: `${first.address};\n` };
    const nameServers = await addressServer(answer);
    await using admin = new Admin({ nameServers, nameServerListRefreshMs: 50, routeRefreshMs: 50 });
    await admin.start();
    await admin.topicRoute('T');
    answer.text = second.address;
    const asked = first.server.requests.length;
    await until(() => {
      void admin.topicRoute('T').catch(() => undefined);
      return second.server.requests.length > 0;
    }, 'a request to the new NameServer');
    expect(first.server.requests.length - asked).toBeLessThan(200);
    for (const bad of [
      { status: 500, text: first.address },
      { status: 200, text: 'not an address' },
    ]) {
      Object.assign(answer, bad);
      await new Promise((resolve) => setTimeout(resolve, 150));
      await admin.topicRoute('T');
    }
  });

  it('that cannot be had fails the start by name, and the next start may succeed', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const answer = { status: 404, text: 'nothing here' };
    const nameServers = await addressServer(answer);
    await using admin = new Admin({ nameServers });
    const error = await startFailure(admin);
    expect(error).toMatchObject({ code: 'name-server-unreachable', retryable: true });
    expect(error.message).toContain(`${nameServers}: status 404`);
    Object.assign(answer, { status: 200, text: cluster.address });
    await admin.start();
    await using dead = new Admin({ nameServers: 'http://127.0.0.1:1/rocketmq/nsaddr' });
    expect(await startFailure(dead)).toMatchObject({ code: 'name-server-unreachable' });
  });

  it('is a line of addresses', () => {
    expect(parseNameServerList(' a:1; b:2 ;a:1\r\nmore')).toEqual(['a:1', 'b:2']);
    expect(() => parseNameServerList('')).toThrow('empty');
    expect(() => parseNameServerList('<html>')).toThrow('"<html>" is not host:port');
  });

  it('has a URL', () => {
    expect(() => new Admin({ nameServers: 'http://' })).toThrow('nameServers: "http://" is not allowed');
  });
});
