import { getEventListeners } from 'node:events';
import { type MetricsHook, Producer, type SendError } from '@dt/rocketmq-client';
import { RequestCode, ResponseCode } from '@dt/rocketmq-protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ScriptedCluster } from '../support/scripted-cluster.ts';
import { until } from '../support/until.ts';

const SENDS = 10_000;
/** With room for a busy machine. */
const LIMIT_MS = 120_000;
const warnings: Error[] = [];
const note = (warning: Error): void => void warnings.push(warning);

beforeEach(() => {
  warnings.length = 0;
  process.on('warning', note);
});
afterEach(() => process.off('warning', note));

const options = { group: 'PG', sendTimeoutMs: 600_000, retryPauseMs: 60_000 };

/** Sends that a busy broker has refused, and that wait for their second tries. */
async function waitingSends(
  cluster: ScriptedCluster,
  more: { closeTimeoutMs?: number; signal?: AbortSignal } = {},
): Promise<{ producer: Producer; codes: Promise<string>[] }> {
  const { signal, ...close } = more;
  let refused = 0;
  const metrics: MetricsHook = { observe: () => refused++, set: () => undefined };
  cluster.on(RequestCode.SEND_MESSAGE_V2, (request, peer) => peer.respond(request, ResponseCode.SYSTEM_BUSY));
  const producer = new Producer({ nameServers: cluster.address, ...options, ...close, metrics });
  await producer.start();
  const codes = Array.from({ length: SENDS }, () =>
    producer.send({ topic: 'T', body: 'x' }, signal && { signal }).then(
      () => 'stored',
      (error: SendError) => error.code,
    ),
  );
  await until(() => refused === SENDS, 'an answer to each', LIMIT_MS);
  return { producer, codes };
}

it(
  'ten thousand sends that wait for another try end with their producer, without a warning of listeners',
  { timeout: LIMIT_MS },
  async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const { producer, codes } = await waitingSends(cluster, { closeTimeoutMs: 100 });
    await producer.close();
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['broker-error']));
    expect(warnings).toEqual([]);
  },
);

it(
  'ten thousand sends with one signal leave no listener on it, and no warning',
  { timeout: LIMIT_MS },
  async () => {
    await using cluster = await ScriptedCluster.start({ T: 1 });
    const controller = new AbortController();
    const { producer, codes } = await waitingSends(cluster, { signal: controller.signal });
    controller.abort();
    expect(new Set(await Promise.all(codes))).toEqual(new Set(['broker-error']));
    expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
    expect(warnings).toEqual([]);
    await producer.close();
  },
);
