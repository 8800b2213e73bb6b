import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { Readiness } from '../parts.ts';

const text = 'text/plain; charset=utf-8';
const readinessTimeoutMs = 3000;

/** For machines that watch: text, without the envelope. */
export function healthRoutes(
  app: FastifyInstance,
  readiness: () => Promise<Readiness>,
  registry: Registry,
): void {
  app.get('/healthz', (_request, reply) => reply.header('content-type', text).send('ok'));

  app.get('/readyz', async (_request, reply) => {
    const state = await inTime(readiness());
    return reply
      .code(state.ready ? 200 : 503)
      .header('content-type', text)
      .send(state.ready ? 'ready' : state.reason);
  });

  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', registry.contentType).send(await registry.metrics()),
  );
}

async function inTime(asked: Promise<Readiness>): Promise<Readiness> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Readiness>((resolve) => {
    timer = setTimeout(() => resolve({ ready: false, reason: 'no answer in time' }), readinessTimeoutMs);
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    // The cause may name hosts and users; it is in the log of whoever failed.
    return { ready: false, reason: 'the check failed' };
  } finally {
    clearTimeout(timer);
  }
}
