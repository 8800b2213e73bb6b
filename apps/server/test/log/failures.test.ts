import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLog, Failures } from '../../src/log/index.ts';

const message = 'outbox: relay failed, trying again';
const refused = new Error('connect ECONNREFUSED 127.0.0.1:10911');

let lines: string[];
let failures: Failures;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  lines = [];
  failures = new Failures({
    log: createLog({ destination: { write: (line: string) => lines.push(line.trimEnd()) } }),
  });
});
afterEach(() => {
  vi.useRealTimers();
});

/** One a second. */
function fail(
  times: number,
  err: unknown = refused,
  fields: Record<string, unknown> = { during: 'publish' },
): void {
  for (let time = 0; time < times; time += 1) {
    failures.warn({ ...fields, err }, message);
    vi.advanceTimersByTime(1000);
  }
}

describe('a failure that comes again and again', () => {
  it('is said at once, then at growing distances with how often it came and for how long', () => {
    fail(200);
    expect(lines).toEqual([
      `[WARN] ${message} during=publish err="connect ECONNREFUSED 127.0.0.1:10911"`,
      ...[
        [11, 10],
        [31, 30],
        [71, 70],
        [151, 150],
      ].map(
        ([times, seconds]) =>
          `[WARN] ${message} during=publish err="connect ECONNREFUSED 127.0.0.1:10911" times=${times} seconds=${seconds}`,
      ),
    ]);
  });

  it('is said every ten minutes at the least', () => {
    fail(4000);
    const seconds = lines.map((line) => Number(/seconds=(\d+)/.exec(line)?.[1] ?? 0));
    expect(Math.max(...seconds.map((at, index) => at - (seconds[index - 1] ?? 0)))).toBe(600);
  });

  it('is said anew when its cause is another, but not for another number in it', () => {
    fail(2);
    fail(2, new Error('connect ECONNREFUSED 127.0.0.1:10912'));
    expect(lines).toHaveLength(1);
    fail(2, new Error('AclException: No acl config for rocketmq'));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('AclException');
  });

  it('is over once it has worked for two seconds, however often it was said', () => {
    fail(3);
    failures.over(message, { during: 'publish' });
    vi.advanceTimersByTime(2000);
    expect(lines.at(-1)).toBe(`[INFO] over: ${message} times=3 seconds=2`);
    fail(1);
    expect(lines.at(-1)).toMatch(/^\[WARN\] /);
    expect(lines).toHaveLength(3);
  });

  it('is not over for one success between two failures, nor for what another part of it does', () => {
    fail(3);
    failures.over(message);
    vi.advanceTimersByTime(1000);
    fail(3);
    failures.over(message, { during: 'lease' });
    vi.advanceTimersByTime(5000);
    expect(lines).toHaveLength(1);
  });

  it('is over when it has not come for a minute and a half, if it came more than once', () => {
    fail(1);
    vi.advanceTimersByTime(90_000);
    expect(lines).toHaveLength(1);
    fail(5);
    vi.advanceTimersByTime(90_000);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/WARN/),
      `[INFO] over: ${message} times=5 seconds=4`,
    ]);
  });

  it('costs no memory without end when every cause is new', () => {
    const name = (index: number): string =>
      [...String(index)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
    for (let index = 0; index < 5000; index += 1) failures.warn({ err: new Error(name(index)) }, message);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(100);
  });
});
