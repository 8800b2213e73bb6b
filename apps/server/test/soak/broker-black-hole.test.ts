import { setTimeout as pause } from 'node:timers/promises';
import { startBroker } from '@dt/testkit';
import { it } from 'vitest';
import { expectFlow, expectWholeAfter } from '../e2e/faulty-broker.ts';
import { target } from '../e2e/harness.ts';

const SECONDS = Number(process.env['BLACK_HOLE_SECONDS'] ?? 60);

it(`comes through a black hole of ${SECONDS} s before the ${target} broker`, async () => {
  const rocketmq = await startBroker(target);
  try {
    await expectWholeAfter(rocketmq, async (road) => {
      road.broker.setMode('stall');
      await pause(SECONDS * 1000);
      road.broker.setMode('pass');
      await expectFlow(road);
    });
  } finally {
    await rocketmq.close();
  }
});
