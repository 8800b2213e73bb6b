import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { redoOnConflict } from '../../src/inbox/conflict.ts';

it('waits in many transactions at once without a warning of too many listeners', async () => {
  const warnings: string[] = [];
  const note = ({ message }: Error): void => {
    warnings.push(message);
  };
  process.on('warning', note);
  try {
    const conflict = Object.assign(new Error('could not serialize access'), { code: '40001' });
    await Promise.all(
      Array.from({ length: 12 }, () => {
        let tries = 0;
        return redoOnConflict(async () => {
          tries += 1;
          if (tries === 1) throw conflict;
        });
      }),
    );
    // Warnings come a turn later.
    await sleep(1);
  } finally {
    process.removeListener('warning', note);
  }
  expect(warnings).toEqual([]);
});
