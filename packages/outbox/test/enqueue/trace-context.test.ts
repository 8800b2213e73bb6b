import { AsyncLocalStorage } from 'node:async_hooks';
import * as api from '@opentelemetry/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { enqueue, type OutboxMessage, openTelemetryContext } from '../../src/index.ts';
import { createTestSchema, type TestSchema } from '../support/database.ts';

let schema: TestSchema;

/** What an SDK brings along, as far as it is needed here. */
function contextManager(): api.ContextManager {
  const storage = new AsyncLocalStorage<api.Context>();
  const manager: api.ContextManager = {
    active: () => storage.getStore() ?? api.ROOT_CONTEXT,
    with: (context, work, thisArg, ...args) => storage.run(context, () => work.call(thisArg, ...args)),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

const propagator: api.TextMapPropagator = {
  inject(context, carrier, setter) {
    const span = api.trace.getSpanContext(context);
    if (span !== undefined) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
  },
  extract: (context) => context,
  fields: () => ['traceparent'],
};

beforeAll(async () => {
  schema = await createTestSchema(2);
  api.context.setGlobalContextManager(contextManager());
  api.propagation.setGlobalPropagator(propagator);
});
afterAll(async () => {
  api.context.disable();
  api.propagation.disable();
  await schema.drop();
});

const message = (messageKey: string, headers?: Record<string, string>): OutboxMessage => ({
  topic: 't',
  messageKey,
  shardingKey: 'k',
  payload: {},
  headers,
});

it('messages carry the trace in which they were enqueued, unless they bring one', async () => {
  const span = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 };
  const traceContext = openTelemetryContext(api);
  await api.context.with(api.trace.setSpanContext(api.ROOT_CONTEXT, span), () =>
    schema.database.transaction((tx) =>
      enqueue(tx, [message('1'), message('2', { a: 'b' }), message('3', { traceparent: 'own' })], {
        traceContext,
      }),
    ),
  );
  await schema.database.transaction((tx) => enqueue(tx, [message('4')], { traceContext }));
  const { rows } = await schema.pool.query<{ headers: unknown }>('SELECT headers FROM outbox ORDER BY id');
  const traceparent = `00-${span.traceId}-${span.spanId}-01`;
  expect(rows.map(({ headers }) => headers)).toEqual([
    { traceparent },
    { traceparent, a: 'b' },
    { traceparent: 'own' },
    null,
  ]);
});
