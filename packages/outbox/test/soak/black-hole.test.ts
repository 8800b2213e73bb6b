import { setTimeout as pause } from 'node:timers/promises';
import { it } from 'vitest';
import { expectWholeAfter, FaultyDatabase } from '../support/faulty-database.ts';

const LENGTH_MS = 60_000;

it(`comes through a black hole of ${LENGTH_MS / 1000} s before the database`, async () => {
  await using database = await FaultyDatabase.start();
  await expectWholeAfter(database, async () => {
    database.proxy.setMode('stall');
    await pause(LENGTH_MS);
    database.proxy.setMode('pass');
  });
});
