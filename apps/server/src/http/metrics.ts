import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, type Registry } from 'prom-client';

/** The calls that have figures of their own. */
export type MeteredCall = 'bet' | 'draw' | 'event';

const bucketsMs = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000];

/** Counts every answer: once as HTTP, and once more by business code where the call has its own figures. */
export function meterRequests(app: FastifyInstance, registry: Registry): void {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: L[]): Histogram<L> =>
    new Histogram({ name, help, labelNames, buckets: bucketsMs, registers });

  const requests = counter('http_requests_total', 'HTTP answers', ['method', 'route', 'status']);
  const durations = histogram('http_request_duration_ms', 'Time to the whole answer', ['method', 'route']);
  const calls = {
    bet: {
      total: counter('bet_requests_total', 'Bets by business code', ['code']),
      durationMs: histogram('bet_request_duration_ms', 'Time of a bet', []),
    },
    draw: {
      total: counter('draw_requests_total', 'Results by business code', ['code']),
      durationMs: histogram('draw_request_duration_ms', 'Time of a result with its settlement', []),
    },
    event: {
      total: counter('game_event_total', 'Dealer events by business code', ['code']),
      durationMs: histogram('game_event_duration_ms', 'Time of a dealer event', []),
    },
  } satisfies Record<MeteredCall, unknown>;

  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    // The pattern, never the path: a label per round id would grow without end.
    const route = request.routeOptions.url ?? 'none';
    requests.inc({ method, route, status: reply.statusCode });
    durations.observe({ method, route }, reply.elapsedTime);
    const { metered } = request.routeOptions.config;
    if (metered !== undefined) {
      calls[metered].total.inc({ code: reply.businessCode });
      calls[metered].durationMs.observe(reply.elapsedTime);
    }
    done();
  });
}
