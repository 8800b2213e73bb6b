import { describe, expect, it } from 'vitest';
import { BrokerLatency } from '../../src/producer/broker-latency.ts';
import { QueueSelector } from '../../src/producer/queue-selector.ts';

const queue = (brokerName: string, queueId: number) => ({ topic: 'T', brokerName, queueId });
const queues = [queue('a', 0), queue('a', 1), queue('b', 0), queue('b', 1)];
const message = { topic: 'T', body: 'x' };

function chosenBrokers(selector: QueueSelector, avoid?: string): Set<string | undefined> {
  return new Set(Array.from({ length: 8 }, () => selector.roundRobin(queues, avoid)?.brokerName));
}

describe('a broker that was slow', () => {
  it.each([
    [549, 0],
    [550, 2000],
    [1800, 5000],
    [3000, 6000],
    [5000, 10_000],
    [15_000, 30_000],
    [60_000, 30_000],
  ])('(%i ms) is passed by for %i ms', (durationMs, penaltyMs) => {
    const latency = new BrokerLatency();
    latency.note('a', durationMs, false, 1000);
    expect(latency.isAvailable('a', 1000)).toBe(penaltyMs === 0);
    expect(latency.isAvailable('a', 1000 + penaltyMs - 1)).toBe(penaltyMs === 0);
    expect(latency.isAvailable('a', 1000 + penaltyMs)).toBe(true);
  });

  it('by a failure is passed by for 10 s, and taken again after a quick send', () => {
    const latency = new BrokerLatency();
    latency.note('a', 3, true, 0);
    expect(latency.isAvailable('a', 9999)).toBe(false);
    latency.note('a', 3, false, 0);
    expect(latency.isAvailable('a', 0)).toBe(true);
  });

  it('leaves the round to others, and is better than none', () => {
    const selector = new QueueSelector(new BrokerLatency());
    selector.note('a', 600, false);
    expect(chosenBrokers(selector)).toEqual(new Set(['b']));
    // The only other one has just failed this message: slow is better.
    expect(chosenBrokers(selector, 'b')).toEqual(new Set(['a']));
    selector.note('b', 600, false);
    expect(chosenBrokers(selector)).toEqual(new Set(['a', 'b']));
  });

  it('means nothing where it is not asked for', () => {
    const selector = new QueueSelector();
    selector.note('a', 60_000, true);
    expect(chosenBrokers(selector)).toEqual(new Set(['a', 'b']));
  });
});

describe('a queue chosen by function', () => {
  it('is the one it names', () => {
    const selector = new QueueSelector();
    expect(selector.byFunction(queues, message, (all) => all[2] ?? queue('', 0))).toBe(queues[2]);
    // A copy will do.
    expect(selector.byFunction(queues, message, () => queue('b', 1))).toBe(queues[3]);
    expect(selector.byFunction([], message, () => queue('b', 1))).toBeUndefined();
  });

  it('is refused when there is no such queue, or when the function throws', () => {
    const selector = new QueueSelector();
    expect(() => selector.byFunction(queues, message, () => queue('c', 0))).toThrow(
      /selectQueue: .*"c".* is not allowed, expected one of the queues given/,
    );
    expect(() => selector.byFunction(queues, message, () => undefined as never)).toThrow(/undefined/);
    expect(() =>
      selector.byFunction(queues, message, () => {
        throw new Error('no idea');
      }),
    ).toThrow(/selectQueue failed: no idea/);
  });
});
