import { describe, expect, it } from 'vitest';
import { spanMs } from '../../src/messaging/redelivery.ts';

const hourMs = 3_600_000;
const terms = {
  reservedHours: 72,
  retryMaxTimes: 16,
  delayLevels: '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
};

describe('how long a broker may deliver a message again', () => {
  it('is the life of its files, a day until they go, and the pauses from the third level on', () => {
    const retriesMs = (10 + 30) * 1000 + (55 + 20 + 30) * 60_000 + 3 * hourMs;
    expect(spanMs(terms)).toBe((72 + 24) * hourMs + retriesMs);
  });

  it('grows with more redeliveries by the last pause each, and is without any with none', () => {
    expect(spanMs({ ...terms, retryMaxTimes: 20 }) - spanMs(terms)).toBe(8 * hourMs);
    expect(spanMs({ ...terms, retryMaxTimes: 0 })).toBe(96 * hourMs);
    expect(spanMs({ reservedHours: 1, retryMaxTimes: 2, delayLevels: '1s 2d' })).toBe((25 + 96) * hourMs);
  });

  it('cannot be told from levels that are no times', () => {
    expect(() => spanMs({ ...terms, delayLevels: '1s soon' })).toThrow(/"soon"/);
  });
});
