import { setTimeout as pause } from 'node:timers/promises';
import { type FaultProxy, type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectFlow, expectWholeAfter, type FaultyRoad, LEASE_MS } from './faulty-broker.ts';
import { target } from './harness.ts';

let rocketmq: RunningBroker;

beforeAll(async () => {
  rocketmq = await startBroker(target);
});
afterAll(() => rocketmq.close());

type Fault = (road: FaultyRoad) => Promise<void>;

async function cutAgainAndAgain(proxy: FaultProxy): Promise<void> {
  for (let i = 0; i < 8; i++) {
    proxy.cut();
    await pause(100);
  }
}

const rough: [string, Fault][] = [
  ['connections that are reset, again and again', ({ broker }) => cutAgainAndAgain(broker)],
  [
    'a broker that refuses connections',
    async ({ broker }) => {
      await broker.refuse();
      await pause(1500);
      await broker.accept();
    },
  ],
  [
    'half-open connections: the broker is gone and nobody says so',
    async ({ broker }) => {
      broker.abandon();
      await pause(1000);
      broker.abandon();
    },
  ],
  [
    'a black hole for longer than lease and time-outs',
    async ({ broker }) => {
      broker.setMode('stall');
      await pause(LEASE_MS + 2000);
      broker.setMode('pass');
    },
  ],
  [
    'resets while no NameServer can be asked',
    async ({ broker, nameServer }) => {
      await nameServer.refuse();
      await cutAgainAndAgain(broker);
      await pause(500);
      await nameServer.accept();
    },
  ],
];

it.each(rough)('comes through %s', async (_fault, bringAbout) => {
  await expectWholeAfter(rocketmq, async (road) => {
    await bringAbout(road);
    await expectFlow(road);
  });
});

it('comes through answers that are lost, of requests that were carried out', async () => {
  const { doubles } = await expectWholeAfter(rocketmq, async ({ broker }) => {
    broker.setMode('drop-answers');
    await pause(700);
    broker.setMode('pass');
    broker.cut();
  });
  expect(doubles).toBeGreaterThan(0);
});

const gentle: [string, Fault][] = [
  [
    'a slow way there and back',
    async (road) => {
      road.broker.setDelay(40);
      await expectFlow(road);
      road.broker.setDelay(0);
    },
  ],
  [
    'a narrow way',
    async (road) => {
      road.broker.setBandwidth(40_000);
      await expectFlow(road);
      road.broker.setBandwidth(Infinity);
    },
  ],
  [
    'answers that come in another order',
    async (road) => {
      road.answers.on = true;
      await expectFlow(road);
      road.answers.on = false;
      expect(road.answers.overtaken).toBeGreaterThan(10);
    },
  ],
  [
    'a NameServer that refuses connections',
    async (road) => {
      await road.nameServer.refuse();
      await pause(1500);
      await expectFlow(road);
      await road.nameServer.accept();
    },
  ],
  [
    'a NameServer that fell silent',
    async (road) => {
      road.nameServer.setMode('stall');
      await pause(1500);
      await expectFlow(road);
      road.nameServer.setMode('pass');
    },
  ],
];

it.each(gentle)('sends nothing twice over %s', async (_fault, bringAbout) => {
  expect(await expectWholeAfter(rocketmq, bringAbout)).toMatchObject({ unknownSends: 0, doubles: 0 });
});
