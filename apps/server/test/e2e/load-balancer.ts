import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '@dt/testkit';

/** A request that no instance answered, or one with 5xx. */
export interface FailedRequest {
  readonly what: string;
  /** The instance that it was given to. */
  readonly port?: number;
  readonly why: string;
  readonly atMs: number;
}

export interface LoadBalancer {
  readonly url: string;
  readonly failed: readonly FailedRequest[];
  /** How many requests came so far. */
  requests(): number;
  /** How many connections to an instance are open, idle ones included. */
  connections(port: number): number;
  allReady(): Promise<void>;
  close(): Promise<void>;
}

const checkEveryMs = 100;

/**
 * Shares requests out, in turn, to those whose `/readyz` answers 200, over connections that are kept: as production's
 * do. One that finds nobody at the port goes to the next instance: nothing of it has been sent yet.
 */
export async function startLoadBalancer(ports: readonly number[]): Promise<LoadBalancer> {
  const ready = new Set<number>();
  const answers = new Map<number, string>();
  const failed: FailedRequest[] = [];
  const agent = new Agent({ keepAlive: true });
  let turn = 0;

  const check = async (port: number): Promise<void> => {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) });
      answers.set(port, await answer.text());
      if (answer.ok) ready.add(port);
      else ready.delete(port);
    } catch (error) {
      answers.set(port, String(error));
      ready.delete(port);
    }
  };
  // One look at a time: on a busy machine a late answer must not undo a newer one.
  const stop = new AbortController();
  const checking = ports.map(async (port) => {
    while (!stop.signal.aborted) {
      await check(port);
      await pause(checkEveryMs);
    }
  });

  const share = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await buffer(incoming);
    const what = `${incoming.method} ${incoming.url}`;
    for (;;) {
      const port = ports.filter((each) => ready.has(each))[turn++ % Math.max(1, ready.size)];
      const why =
        port === undefined ? 'no instance is ready' : await forward(port, agent, incoming, body, outgoing);
      if (why === undefined) return;
      if (port !== undefined && why === 'ECONNREFUSED') {
        ready.delete(port);
        continue;
      }
      failed.push({ what, ...(port !== undefined && { port }), why, atMs: performance.now() });
      if (!outgoing.headersSent) outgoing.writeHead(502).end();
      else outgoing.destroy();
      return;
    }
  };
  let requests = 0;
  const server = createServer((incoming, outgoing) => {
    requests += 1;
    share(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failed,
    requests: () => requests,
    connections: (port) =>
      [agent.sockets, agent.freeSockets].reduce(
        (sum, sockets) => sum + (sockets[agent.getName({ host: '127.0.0.1', port })]?.length ?? 0),
        0,
      ),
    async allReady() {
      await eventually(
        () => {
          if (ready.size < ports.length) throw new Error(JSON.stringify([...answers]));
          return true;
        },
        { timeoutMs: 180_000, what: 'the readiness of every instance' },
      );
    },
    async close() {
      stop.abort();
      await Promise.all(checking);
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      agent.destroy();
    },
  };
}

/** Hands a request on, and its answer back; gives the reason when there was none, or one with 5xx. */
function forward(
  port: number,
  agent: Agent,
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse,
): Promise<string | undefined> {
  const { method, url: path, headers } = incoming;
  return new Promise((resolve) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
      const status = answer.statusCode ?? 500;
      if (status >= 500) {
        answer.resume();
        resolve(`answered ${status}`);
        return;
      }
      outgoing.writeHead(status, answer.headers);
      answer.pipe(outgoing);
      answer.once('end', () => resolve(undefined));
      answer.once('error', (error) => resolve(error.message));
    });
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    asked.end(body);
  });
}
