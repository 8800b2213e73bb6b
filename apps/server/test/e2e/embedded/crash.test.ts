import { it } from 'vitest';
import { killAllDuringGame } from '../kill-loops.ts';

const kills = 8;

it(`server, PostgreSQL and RocketMQ in one, killed ${kills} times in the middle of a game: nothing acknowledged is lost`, () =>
  killAllDuringGame(kills));
