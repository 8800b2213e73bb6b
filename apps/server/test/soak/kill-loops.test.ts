import { type RunningBroker, startBroker } from '@dt/testkit';
import { afterAll, beforeAll, it } from 'vitest';
import { target } from '../e2e/harness.ts';
import { killAllDuringGame, killServerDuringGame } from '../e2e/kill-loops.ts';

const KILLS = Number(process.env['KILLS'] ?? 300);
const KILLS_A_GAME = 20;
const TIMEOUT_MS = 4 * 3_600_000;

let broker: RunningBroker;

beforeAll(async () => {
  broker = await startBroker(target);
});
afterAll(() => broker.close());

/** Game after game, each with a database of its own: what went wrong is found soon, and not behind hours of orders. */
async function gameAfterGame(play: (kills: number) => Promise<void>): Promise<void> {
  for (let done = 0; done < KILLS; done += KILLS_A_GAME) await play(Math.min(KILLS_A_GAME, KILLS - done));
}

it(
  `the server killed ${KILLS} times in the middle of games over ${target} RocketMQ: every order is settled once and arrives once`,
  () => gameAfterGame((kills) => killServerDuringGame(broker, kills)),
  TIMEOUT_MS,
);

it(
  `server, PostgreSQL and RocketMQ in one, killed ${KILLS} times in the middle of games: nothing acknowledged is lost`,
  () => gameAfterGame(killAllDuringGame),
  TIMEOUT_MS,
);
