import { type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { twoInstancesUnderLoad } from '../e2e/under-load.ts';

// On the real RocketMQ: what is proven here is that nothing is lost or doubled over thousands of rounds of messages.
const durationMs = Number(process.env['ROCKETMQ_SOAK_SECONDS'] ?? 600) * 1000;

let broker: RunningBroker;
beforeAll(async () => {
  broker = await startBroker('real');
});
afterAll(() => broker.close());

it(
  `two instances take a game of ${durationMs / 1000} s while one is killed and one drained in turn`,
  async () => {
    const figures = await twoInstancesUnderLoad({ broker, durationMs, players: 60, calmMs: 5000 });
    process.stdout.write(`${JSON.stringify(figures)}\n`);
    expect(figures.drained).toBeGreaterThan(0);
    expect(figures.seconds).toBeGreaterThanOrEqual(durationMs / 1000);
  },
  durationMs + 600_000,
);
