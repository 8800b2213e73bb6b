import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from '@dt/testkit';

export interface LoadBalancer {
  readonly url: string;
  /** Requests that no instance answered, or one with 5xx. */
  readonly failed: readonly string[];
  allReady(): Promise<void>;
  close(): Promise<void>;
}

const checkEveryMs = 100;

/** Shares requests out, in turn, to those whose `/readyz` answers 200, over connections that are kept: as production's do. */
export async function startLoadBalancer(ports: readonly number[]): Promise<LoadBalancer> {
  const ready = new Set<number>();
  const failed: string[] = [];
  const agent = new Agent({ keepAlive: true });
  let turn = 0;

  const checking = setInterval(() => {
    for (const port of ports) void check(port);
  }, checkEveryMs);
  const check = async (port: number): Promise<void> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) });
      if (answer.ok) ready.add(port);
      else ready.delete(port);
    } catch {
      ready.delete(port);
    }
  };

  const server = createServer((incoming, outgoing) => {
    const port = ports.filter((each) => ready.has(each))[turn++ % Math.max(1, ready.size)];
    const fail = (why: string): void => {
      failed.push(`${incoming.method} ${incoming.url}: ${why}`);
      if (!outgoing.headersSent) outgoing.writeHead(502).end();
      else outgoing.destroy();
    };
    if (port === undefined) fail('no instance is ready');
    else forward(port, agent, incoming, outgoing, fail);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failed,
    async allReady() {
      await eventually(() => ready.size === ports.length, { timeoutMs: 20_000, what: 'every instance' });
    },
    async close() {
      clearInterval(checking);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      agent.destroy();
    },
  };
}

function forward(
  port: number,
  agent: Agent,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fail: (why: string) => void,
): void {
  const { method, url: path, headers } = incoming;
  const asked = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
    if ((answer.statusCode ?? 500) >= 500) fail(`${port} answered ${answer.statusCode}`);
    else {
      outgoing.writeHead(answer.statusCode ?? 200, answer.headers);
      answer.pipe(outgoing);
    }
  });
  asked.on('error', (error) => fail(`${port}: ${error.message}`));
  incoming.pipe(asked);
}
