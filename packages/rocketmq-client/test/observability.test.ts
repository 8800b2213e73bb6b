import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeProperties, commands, RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import {
  type MetricsHook,
  Producer,
  PushConsumer,
  ROCKETMQ_METRICS,
  traceContextOf,
} from '@dt/rocketmq-client';
import { channels } from '../src/diagnostics.ts';
import { ScriptedCluster } from './support/scripted-cluster.ts';
import { until } from './support/until.ts';

const { SEND_MESSAGE_V2 } = RequestCode;

interface Measured {
  name: string;
  value: number;
  labels: Readonly<Record<string, string>>;
}

function recorder(): MetricsHook & { measured: Measured[] } {
  const measured: Measured[] = [];
  const note = (name: string, value: number, labels: Measured['labels']): void =>
    void measured.push({ name, value, labels });
  return { measured, observe: note, set: note };
}

describe('the hook for metrics', () => {
  it('is told of every message of a send, good or bad, with the labels of its metric', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const metrics = recorder();
    await using producer = new Producer({
      ...{ nameServers: cluster.address, group: 'PG', metrics, maxAttempts: 1 },
    });
    await producer.start();
    await producer.send({ topic: 'T', body: 'x' });
    await producer.sendBatch([
      { topic: 'T', body: 'x' },
      { topic: 'T', body: 'x' },
    ]);
    cluster.on(SEND_MESSAGE_V2, (request, peer) => peer.respond(request, ResponseCode.SYSTEM_BUSY));
    await producer.send({ topic: 'T', body: 'x' }).catch(() => undefined);
    const common = { topic: 'T', client_id: producer.clientId };
    expect(metrics.measured.map(({ name }) => name)).toEqual(Array(4).fill('rocketmq_send_cost_time'));
    expect(metrics.measured.map(({ labels }) => labels)).toEqual(
      ['success', 'success', 'success', 'failure'].map((invocation_status) => ({
        ...common,
        invocation_status,
      })),
    );
  });

  it('is told of a consumer: delivery, waiting, handling and what is held', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    cluster.stored[0] = [{ body: 'a' }, { body: 'b' }, { body: 'c' }];
    const metrics = recorder();
    await using consumer = new PushConsumer({
      ...{ nameServers: cluster.address, group: 'CG', from: 'first', metrics },
      ...{ subscriptions: [{ topic: 'T', expression: '*' }], commitIntervalMs: 20 },
      handler: async () => undefined,
    });
    await consumer.start();
    const valuesOf = (name: string): Measured[] =>
      metrics.measured.filter((one) => one.name === name && one.labels['topic'] === 'T');
    await until(() => valuesOf('rocketmq_process_time').length > 0, 'a handler call');
    await until(() => valuesOf('rocketmq_consumer_cached_messages').at(-1)?.value === 0, 'all done');
    expect(valuesOf('rocketmq_delivery_latency')).toHaveLength(3);
    expect(valuesOf('rocketmq_await_time')).toHaveLength(3);
    expect(valuesOf('rocketmq_process_time')).toMatchObject([{ labels: { invocation_status: 'success' } }]);
    // Told with the handler call; with a commit it may have been told before, too.
    expect(valuesOf('rocketmq_consumer_cached_messages').map(({ value }) => value)).toContain(3);
    expect(Math.max(...valuesOf('rocketmq_consumer_cached_bytes').map(({ value }) => value))).toBeGreaterThan(
      0,
    );
    for (const { name, labels } of metrics.measured) {
      const expected = ROCKETMQ_METRICS[name as keyof typeof ROCKETMQ_METRICS].labels;
      expect(Object.keys(labels).sort()).toEqual([...expected].sort());
    }
  });

  it('may throw without harm', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const fail = (): void => {
      throw new Error('full');
    };
    const producer = new Producer({
      ...{ nameServers: cluster.address, group: 'PG', metrics: { observe: fail, set: fail } },
    });
    await producer.start();
    await producer.send({ topic: 'T', body: 'x' });
    await producer.close();
    const notOne = { observe: 1 } as unknown as MetricsHook;
    expect(() => new Producer({ nameServers: 'a:1', group: 'PG', metrics: notOne })).toThrow('metrics');
  });
});

describe('the reference page', () => {
  it('names every metric and every channel', async () => {
    const page = await readFile(
      new URL('../../../docs/reference/rocketmq-client.md', import.meta.url),
      'utf8',
    );
    const names = [
      ...Object.keys(ROCKETMQ_METRICS),
      ...Object.values(channels).map(({ name }) => String(name)),
    ];
    for (const name of names) expect(page).toContain(`\`${name}\``);
  });
});

describe('the channel of requests', () => {
  it('tells each with its answer or its failure', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const events: { code: number; responseCode?: number; error?: unknown; address: string }[] = [];
    const note = (message: unknown): void => void events.push(message as (typeof events)[0]);
    subscribe('rocketmq:request', note);
    onTestFinished(() => void unsubscribe('rocketmq:request', note));
    await using producer = new Producer({ nameServers: cluster.address, group: 'PG', maxAttempts: 1 });
    await producer.start();
    await producer.send({ topic: 'T', body: 'x' });
    cluster.on(SEND_MESSAGE_V2, (_request, peer) => peer.socket.destroy());
    await producer.send({ topic: 'T', body: 'x' }).catch(() => undefined);
    const sends = events.filter(({ code }) => code === SEND_MESSAGE_V2);
    expect(sends).toMatchObject([
      { address: cluster.address, responseCode: 0 },
      { address: cluster.address, error: { code: 'connection-lost' } },
    ]);
  });
});

describe('trace context', () => {
  const context = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'congo=t61rcWkgMzE',
  };

  it('goes into the properties of each message, and what is there already stays', async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const asked: string[] = [];
    await using producer = new Producer({
      ...{ nameServers: cluster.address, group: 'PG' },
      traceContext: ({ body }) => {
        asked.push(String(body));
        if (body === 'throws') throw new Error('no span');
        return body === 'none' ? undefined : context;
      },
    });
    await producer.start();
    const properties = { traceparent: 'mine' };
    for (const message of [{ body: 'a' }, { body: 'own', properties }, { body: 'none' }, { body: 'throws' }])
      await producer.send({ topic: 'T', ...message });
    const sent = cluster.server
      .requestsOf(SEND_MESSAGE_V2)
      .map((request) => decodeProperties(commands.sendMessageV2.decodeRequest(request).properties ?? ''));
    expect(traceContextOf({ properties: sent[0] ?? {} })).toEqual(context);
    expect(sent.map(({ traceparent }) => traceparent)).toEqual([
      ...[context.traceparent, 'mine', undefined, undefined],
    ]);
    expect(asked).toHaveLength(4);
  });

  it.each([
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01'],
    ['ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01'],
    ['00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01'],
    [''],
  ])('%j is none', (traceparent) => {
    expect(traceContextOf({ properties: { traceparent } })).toBeUndefined();
    expect(traceContextOf({})).toBeUndefined();
  });
});
