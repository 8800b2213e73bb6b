import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import type { OutboxHealth, Readiness } from '../parts.ts';

const text = 'text/plain; charset=utf-8';
const answerTimeoutMs = 3000;

export interface Health {
  readonly readiness: () => Promise<Readiness>;
  readonly outboxHealth: () => Promise<OutboxHealth>;
  readonly registry: Registry;
}

/** For machines that watch: text, without the envelope. */
export function healthRoutes(app: FastifyInstance, { readiness, outboxHealth, registry }: Health): void {
  app.get('/healthz', (_request, reply) => reply.header('content-type', text).send('ok'));

  app.get('/readyz', async (_request, reply) => {
    const state = await inTime(readiness(), (reason) => ({ ready: false as const, reason }));
    return reply
      .code(state.ready ? 200 : 503)
      .header('content-type', text)
      .send(state.ready ? 'ready' : state.reason);
  });

  app.get('/healthz/outbox', async (_request, reply) => {
    const { healthy, text: body } = await inTime(outboxHealth(), (reason) => ({
      healthy: false,
      text: reason,
    }));
    return reply
      .code(healthy ? 200 : 503)
      .header('content-type', text)
      .send(body);
  });

  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', registry.contentType).send(await registry.metrics()),
  );
}

async function inTime<T>(asked: Promise<T>, failed: (reason: string) => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(failed('no answer in time')), answerTimeoutMs);
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    // The cause may name hosts and users; it is in the log of whoever failed.
    return failed('the check failed');
  } finally {
    clearTimeout(timer);
  }
}
