import type { commands } from '@dt/rocketmq-protocol';

/** What is counted, by the names a real broker has for it. */
export type CounterName =
  | 'TOPIC_PUT_NUMS'
  | 'TOPIC_PUT_SIZE'
  | 'GROUP_GET_NUMS'
  | 'GROUP_GET_SIZE'
  | 'SNDBCK_PUT_NUMS'
  | 'BROKER_PUT_NUMS'
  | 'BROKER_GET_NUMS';

type WindowName = keyof commands.BrokerStatsData;

/** Between two samples of a window, and how many of them are kept: as a real broker does it. */
const WINDOWS: Readonly<Record<WindowName, { intervalMs: number; samples: number }>> = {
  minute: { intervalMs: 10_000, samples: 7 },
  hour: { intervalMs: 600_000, samples: 7 },
  day: { intervalMs: 3_600_000, samples: 25 },
};
const WINDOW_NAMES = Object.keys(WINDOWS) as WindowName[];

interface Sample {
  at: number;
  value: number;
  times: number;
}

/** A count since the start, and what it was at some moments before. */
class Counter {
  value = 0;
  times = 0;
  readonly samples: Record<WindowName, Sample[]>;

  /** Nothing had been counted one interval before the first. */
  constructor(now: number) {
    const before = (name: WindowName): Sample[] => [
      { at: now - WINDOWS[name].intervalMs, value: 0, times: 0 },
      { at: now, value: 0, times: 0 },
    ];
    this.samples = { minute: before('minute'), hour: before('hour'), day: before('day') };
  }

  sample(name: WindowName, at: number): void {
    const samples = this.samples[name];
    samples.push({ at, value: this.value, times: this.times });
    if (samples.length > WINDOWS[name].samples) samples.shift();
  }

  window(name: WindowName): commands.StatsWindow {
    const samples = this.samples[name];
    const [first, last] = [samples[0], samples.at(-1)];
    if (first === undefined || last === undefined) return { sum: 0, tps: 0, averagePerTime: 0 };
    const sum = last.value - first.value;
    const times = last.times - first.times;
    return {
      sum,
      tps: (sum * 1000) / (last.at - first.at),
      averagePerTime: times > 0 ? sum / times : 0,
    };
  }
}

/** Messages and bytes that went in and out: by topic, by `topic@group`, and of the whole broker. */
export class TrafficCounters {
  readonly #max: number;
  readonly #byName = new Map<string, Map<string, Counter>>();
  readonly #sampledAt: Record<WindowName, number>;

  /** `max` counters there may be of each name; what comes then is not counted. */
  constructor(max: number, now = Date.now()) {
    this.#max = max;
    this.#sampledAt = { minute: now, hour: now, day: now };
  }

  add(name: CounterName, key: string, value: number): void {
    let counters = this.#byName.get(name);
    if (counters === undefined) this.#byName.set(name, (counters = new Map<string, Counter>()));
    let counter = counters.get(key);
    if (counter === undefined) {
      if (counters.size >= this.#max) return;
      counters.set(key, (counter = new Counter(Date.now())));
    }
    counter.value += value;
    counter.times++;
  }

  /** Undefined when nothing of the kind was ever counted. */
  get(name: string, key: string): commands.BrokerStatsData | undefined {
    const counter = this.#byName.get(name)?.get(key);
    if (counter === undefined) return undefined;
    return { minute: counter.window('minute'), hour: counter.window('hour'), day: counter.window('day') };
  }

  /** Called at least every second. */
  tick(now: number): void {
    for (const name of WINDOW_NAMES) {
      if (now - this.#sampledAt[name] < WINDOWS[name].intervalMs) continue;
      this.#sampledAt[name] = now;
      for (const counters of this.#byName.values())
        for (const counter of counters.values()) counter.sample(name, now);
    }
  }

  forgetTopic(topic: string): void {
    this.#forget((key) => key === topic || key.startsWith(`${topic}@`));
  }

  forgetGroup(group: string): void {
    this.#forget((key) => key.endsWith(`@${group}`));
  }

  #forget(isGone: (key: string) => boolean): void {
    for (const [name, counters] of this.#byName) {
      if (name.startsWith('BROKER_')) continue;
      for (const key of counters.keys()) if (isGone(key)) counters.delete(key);
    }
  }
}
