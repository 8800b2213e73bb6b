import { expect, it } from 'vitest';
import { DeadError, Incarnation, type Moment } from '../../src/index.ts';

it.each<[Moment, boolean]>([
  ['before', false],
  ['during', true],
  ['after', true],
])('dies %s a step, whose work was begun: %s', async (moment, begun) => {
  const incarnation = new Incarnation({ death: { step: 'send', moment, hit: 2 } });
  let calls = 0;
  const send = (): Promise<void> =>
    incarnation.step('send', async () => {
      calls += 1;
    });
  await send();
  await expect(send()).rejects.toThrow(DeadError);
  expect(calls).toBe(begun ? 2 : 1);
  expect(incarnation.fellAt).toEqual({ step: 'send', moment });
  await expect(send()).rejects.toThrow(DeadError);
  expect(calls).toBe(begun ? 2 : 1);
});

it('refuses what is under way at its death, and cuts what was to be cut', async () => {
  const incarnation = new Incarnation();
  const cuts: string[] = [];
  incarnation.onDeath(() => cuts.push('cut'));
  incarnation.onDeath(() => cuts.push('taken back'))();
  const underWay = incarnation.step('send', () => new Promise(() => {}));
  incarnation.kill();
  await expect(underWay).rejects.toThrow(DeadError);
  expect(cuts).toEqual(['cut']);
});

it('stands still at a step, and with it in every other', async () => {
  const incarnation = new Incarnation<'send' | 'renew'>({ stall: { step: 'send', hit: 1, pauseMs: 30 } });
  const startedMs = performance.now();
  const send = incarnation.step('send', async () => {});
  await incarnation.step('renew', async () => {});
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(29);
  await send;
});
