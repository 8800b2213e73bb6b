import type { FastifyInstance } from 'fastify';
import type { Readiness } from './parts.ts';

/** Takes an instance out of service while it still answers. */
export interface Drain {
  /** What `/readyz` asks: no longer ready once draining. */
  readonly readiness: () => Promise<Readiness>;
  /** From now on load balancers are told to look elsewhere, and every connection ends with its next answer. */
  begin(): void;
}

/**
 * A load balancer learns from `/readyz` that an instance goes, and a client with an open connection from
 * `Connection: close` in its next answer: only what still comes after that would meet a closed port.
 */
export function drainable(app: FastifyInstance, readiness: () => Promise<Readiness>): Drain {
  let draining = false;
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (draining) void reply.header('connection', 'close');
    done();
  });
  return {
    readiness: async () => (draining ? { ready: false, reason: 'stopping' } : readiness()),
    begin: () => {
      draining = true;
    },
  };
}
