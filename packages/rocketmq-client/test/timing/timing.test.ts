import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Coalesced } from '../../src/timing/coalesced.ts';
import { onAbort } from '../../src/timing/on-abort.ts';
import { backoffMs, endsWithin } from '../../src/timing/pause.ts';
import { Slots } from '../../src/timing/slots.ts';
import { KeyedLanes } from '../../src/producer/keyed-lanes.ts';

interface Deferred {
  promise: Promise<void>;
  resolve: () => void;
  reject: (error: Error) => void;
}
function deferred(): Deferred {
  let resolve = (): void => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

describe('backoff', () => {
  it('doubles up to the limit, less up to a quarter', () => {
    expect([2, 3, 4, 5, 9].map((attempt) => backoffMs(attempt, 100, 1000, () => 1))).toEqual([
      100, 200, 400, 800, 1000,
    ]);
    expect(backoffMs(2, 100, 1000, () => 0)).toBe(75);
  });
});

describe('endsWithin', () => {
  it('tells whether something ended, well or not', async () => {
    await expect(endsWithin(Promise.resolve(), 1000)).resolves.toBe(true);
    await expect(endsWithin(Promise.reject(new Error('x')), 1000)).resolves.toBe(true);
    await expect(endsWithin(new Promise(() => undefined), 10)).resolves.toBe(false);
  });
});

describe('coalesced runs', () => {
  it('gives calls made during a run one further run together', async () => {
    const runs: Deferred[] = [];
    const task = new Coalesced(() => {
      const run = deferred();
      runs.push(run);
      return run.promise;
    });
    const first = task.run();
    const second = task.run();
    const third = task.run();
    expect(runs).toHaveLength(1);
    runs[0]?.reject(new Error('first'));
    await expect(first).rejects.toThrow('first');
    await Promise.resolve();
    expect(runs).toHaveLength(2);
    runs[1]?.resolve();
    await Promise.all([second, third]);
    expect(runs).toHaveLength(2);
    void task.run();
    expect(runs).toHaveLength(3);
  });

  it('are idle when the last one that was asked for has ended, however it ended', async () => {
    const runs: Deferred[] = [];
    const task = new Coalesced(() => {
      const run = deferred();
      runs.push(run);
      return run.promise;
    });
    await task.idle();
    const results = Promise.allSettled([task.run(), task.run()]);
    let isIdle = false;
    const idle = task.idle().then(() => (isIdle = true));
    runs[0]?.resolve();
    expect(await endsWithin(idle, 20)).toBe(false);
    expect([isIdle, runs.length]).toEqual([false, 2]);
    runs[1]?.reject(new Error('second'));
    await idle;
    expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a task for an abort', () => {
  it('runs once when the signal fires, or at once when it has', () => {
    const controller = new AbortController();
    let runs = 0;
    onAbort(controller.signal, () => runs++);
    expect(runs).toBe(0);
    controller.abort();
    controller.abort();
    expect(runs).toBe(1);
    onAbort(controller.signal, () => runs++);
    expect(runs).toBe(2);
  });

  it('needs one listener for all tasks of a signal, and none when all are taken back', () => {
    const { signal } = new AbortController();
    const takeBack = [1, 2, 3].map(() => onAbort(signal, () => undefined));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    for (const back of takeBack) back();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});

describe('keyed lanes', () => {
  it('run tasks of one key in order, also after a failure, and others beside them', async () => {
    const lanes = new KeyedLanes();
    const gate = deferred();
    const log: string[] = [];
    const first = lanes.run('a', async () => {
      await gate.promise;
      log.push('a1');
      throw new Error('a1');
    });
    const second = lanes.run('a', async () => log.push('a2'));
    await lanes.run('b', async () => log.push('b1'));
    expect(log).toEqual(['b1']);
    gate.resolve();
    await expect(first).rejects.toThrow('a1');
    await second;
    expect(log).toEqual(['b1', 'a1', 'a2']);
  });
});

describe('slots', () => {
  it('let no more in than there are, in the order of the line', async () => {
    const slots = new Slots(1);
    const { signal } = new AbortController();
    const first = await slots.acquire(signal);
    const log: number[] = [];
    const second = slots.acquire(signal).then((release) => (log.push(2), release));
    const third = slots.acquire(signal).then((release) => (log.push(3), release));
    first?.();
    first?.();
    (await second)?.();
    (await third)?.();
    expect(log).toEqual([2, 3]);
  });

  it('let go who gives up', async () => {
    const slots = new Slots(1);
    const abort = new AbortController();
    const first = await slots.acquire(abort.signal);
    const second = slots.acquire(abort.signal);
    abort.abort();
    await expect(second).resolves.toBeUndefined();
    first?.();
    await expect(slots.acquire(new AbortController().signal)).resolves.toBeTypeOf('function');
  });
});
