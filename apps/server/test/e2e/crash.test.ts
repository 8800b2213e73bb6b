import { type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, it } from 'vitest';
import { target } from './harness.ts';
import { killServerDuringGame } from './kill-loops.ts';

const kills = 20;

let broker: RunningBroker;

beforeAll(async () => {
  broker = await startBroker(target);
});
afterAll(() => broker.close());

it(`the server killed ${kills} times in the middle of a game over ${target} RocketMQ: every order is settled once and arrives once`, () =>
  killServerDuringGame(broker, kills));
