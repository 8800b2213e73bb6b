import { describe, expect, it } from 'vitest';
import { TrafficCounters } from '../src/broker/traffic-counters.ts';

const MINUTE_MS = 60_000;

describe('traffic counters', () => {
  it('count over the last minute, hour and day, as often as each is looked at', () => {
    const start = Date.now();
    const counters = new TrafficCounters(10, start);
    const at = (ms: number): number => start + ms;
    for (let second = 1; second <= 26 * 3600; second++) {
      // One a second for the first two hours, two at once.
      if (second <= 2 * 3600 && second % 2 === 0) counters.add('TOPIC_PUT_NUMS', 'T', 2);
      counters.tick(at(second * 1000));
      if (second === 2 * 3600) {
        const { minute, hour, day } = counters.get('TOPIC_PUT_NUMS', 'T') ?? {};
        expect(minute).toEqual({ sum: 60, tps: 1, averagePerTime: 2 });
        expect(hour).toEqual({ sum: 3600, tps: 1, averagePerTime: 2 });
        expect(day?.sum).toBe(7200);
      }
      if (second === 2 * 3600 + 2 * 60) expect(counters.get('TOPIC_PUT_NUMS', 'T')?.minute.sum).toBe(0);
    }
    const { hour, day } = counters.get('TOPIC_PUT_NUMS', 'T') ?? {};
    // The first two hours have left the day one after the other.
    expect([hour?.sum, day?.sum]).toEqual([0, 0]);
  });

  it('tell of nothing that was never counted, and forget what is deleted', () => {
    const counters = new TrafficCounters(10);
    expect(counters.get('TOPIC_PUT_NUMS', 'T')).toBeUndefined();
    for (const [name, key] of [
      ['TOPIC_PUT_NUMS', 'T'],
      ['TOPIC_PUT_NUMS', 'T2'],
      ['GROUP_GET_NUMS', 'T@G'],
      ['GROUP_GET_NUMS', 'T2@G'],
      ['GROUP_GET_NUMS', 'T2@G2'],
      ['BROKER_PUT_NUMS', 'T'],
    ] as const)
      counters.add(name, key, 1);
    counters.forgetTopic('T');
    expect(counters.get('TOPIC_PUT_NUMS', 'T')).toBeUndefined();
    expect(counters.get('GROUP_GET_NUMS', 'T@G')).toBeUndefined();
    expect(counters.get('GROUP_GET_NUMS', 'T2@G')).toBeDefined();
    counters.forgetGroup('G');
    expect(counters.get('GROUP_GET_NUMS', 'T2@G')).toBeUndefined();
    expect(counters.get('GROUP_GET_NUMS', 'T2@G2')).toBeDefined();
    // Of the cluster, whatever it is called.
    expect(counters.get('BROKER_PUT_NUMS', 'T')).toBeDefined();
  });

  it('are no more than they may be', () => {
    const counters = new TrafficCounters(2);
    for (const topic of ['A', 'B', 'C']) counters.add('TOPIC_PUT_NUMS', topic, 1);
    expect(counters.get('TOPIC_PUT_NUMS', 'C')).toBeUndefined();
    counters.forgetTopic('A');
    counters.add('TOPIC_PUT_NUMS', 'C', 1);
    expect(counters.get('TOPIC_PUT_NUMS', 'C')).toBeDefined();
  });
});

it('are sampled no more often than a broker looks, whenever they began', () => {
  const start = Date.now();
  const counters = new TrafficCounters(1, start);
  counters.add('BROKER_PUT_NUMS', 'C', 7);
  counters.tick(start + 9_000);
  expect(counters.get('BROKER_PUT_NUMS', 'C')?.minute.sum).toBe(0);
  counters.tick(start + 10_000);
  expect(counters.get('BROKER_PUT_NUMS', 'C')).toMatchObject({ minute: { sum: 7 }, hour: { sum: 0 } });
  counters.tick(start + 10 * MINUTE_MS);
  expect(counters.get('BROKER_PUT_NUMS', 'C')).toMatchObject({ hour: { sum: 7 }, day: { sum: 0 } });
});
