import { describeError, type Log } from './log.ts';

export interface FailuresOptions {
  readonly log: Log;
  /** From the first line of a failure to its second; each further one is twice as far away. @default 10000 */
  readonly firstGapMs?: number;
  /** @default 600000 */
  readonly maxGapMs?: number;
  /** What has not come for so long is over: longer than anything here waits between two tries. @default 90000 */
  readonly quietMs?: number;
}

/** Fields of a line; what failed is in `err`. */
export type FailureFields = Readonly<Record<string, unknown>> & { readonly err: unknown };

interface Repeated {
  readonly message: string;
  readonly fields: FailureFields;
  readonly sinceMs: number;
  times: number;
  lastMs: number;
  sayAtMs: number;
  gapMs: number;
  /** Somebody said that it works again. */
  works: boolean;
  timer?: NodeJS.Timeout;
}

/** What works again is over when it has worked for so long: one success between two failures is none. */
const settledMs = 2000;
/** Kinds of failure that are remembered; of more the oldest is forgotten, and said anew when it comes again. */
const maxKinds = 100;

/**
 * The log of what is tried again until it works. A failure is said when it first comes, then at growing distances with
 * how often it came (`times`) and for how long (`seconds`), and once more when it is over. Another cause is another
 * failure, said at once: causes are told apart by their words, numbers in them aside.
 */
export class Failures {
  readonly #log: Log;
  readonly #firstGapMs: number;
  readonly #maxGapMs: number;
  readonly #quietMs: number;
  readonly #repeated = new Map<string, Repeated>();

  constructor({ log, firstGapMs = 10_000, maxGapMs = 600_000, quietMs = 90_000 }: FailuresOptions) {
    this.#log = log;
    this.#firstGapMs = firstGapMs;
    this.#maxGapMs = maxGapMs;
    this.#quietMs = quietMs;
  }

  warn(fields: FailureFields, message: string): void {
    this.#failed('warn', fields, message);
  }

  error(fields: FailureFields, message: string): void {
    this.#failed('error', fields, message);
  }

  /** What failed with this message works again; with `fields` only that part of it whose lines had them. */
  over(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    for (const [kind, repeated] of this.#repeated) {
      const isMeant = Object.entries(fields).every(([name, value]) => repeated.fields[name] === value);
      if (repeated.message !== message || !isMeant || repeated.works) continue;
      repeated.works = true;
      this.#endAfter(settledMs, kind, repeated);
    }
  }

  #failed(level: 'warn' | 'error', fields: FailureFields, message: string): void {
    const cause = describeError(fields.err).replaceAll(/\d+/g, '#');
    const kind = `${level} ${message} ${cause}`;
    const nowMs = performance.now();
    const known = this.#repeated.get(kind);
    if (known === undefined) {
      this.#remember(kind, fields, message, nowMs);
      this.#log[level](fields, message);
      return;
    }
    known.times += 1;
    known.lastMs = nowMs;
    known.works = false;
    this.#endAfter(this.#quietMs, kind, known);
    if (nowMs < known.sayAtMs) return;
    known.gapMs = Math.min(this.#maxGapMs, known.gapMs * 2);
    known.sayAtMs = nowMs + known.gapMs;
    this.#log[level]({ ...fields, ...countOf(known) }, message);
  }

  #remember(kind: string, fields: FailureFields, message: string, nowMs: number): void {
    const repeated: Repeated = {
      ...{ message, fields, times: 1, sinceMs: nowMs, lastMs: nowMs, works: false },
      sayAtMs: nowMs + this.#firstGapMs,
      gapMs: this.#firstGapMs,
    };
    this.#endAfter(this.#quietMs, kind, repeated);
    this.#repeated.set(kind, repeated);
    const [oldest] = this.#repeated;
    if (this.#repeated.size > maxKinds && oldest !== undefined) {
      clearTimeout(oldest[1].timer);
      this.#repeated.delete(oldest[0]);
    }
  }

  #endAfter(ms: number, kind: string, repeated: Repeated): void {
    clearTimeout(repeated.timer);
    repeated.timer = setTimeout(() => this.#end(kind, repeated), ms);
    repeated.timer.unref();
  }

  /** What came once and was not heard of again was no state that could be over. */
  #end(kind: string, repeated: Repeated): void {
    this.#repeated.delete(kind);
    if (repeated.works || repeated.times > 1) this.#log.info(countOf(repeated), `over: ${repeated.message}`);
  }
}

/** Up to its last time: how long nothing was heard of it since is no part of it. */
function countOf({ times, sinceMs, lastMs }: Repeated): { times: number; seconds: number } {
  return { times, seconds: Math.round((lastMs - sinceMs) / 1000) };
}
