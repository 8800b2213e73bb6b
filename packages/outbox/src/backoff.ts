export interface BackoffOptions {
  /** Delay after the first failure. */
  readonly initialMs: number;
  readonly maxMs: number;
}

/** Doubles with every failure up to the maximum; a random part of a half keeps those who failed together apart. */
export function backoffMs({ initialMs, maxMs }: BackoffOptions, failures: number): number {
  const full = Math.min(maxMs, initialMs * 2 ** Math.min(Math.max(failures, 1) - 1, 40));
  return full * (0.5 + Math.random() / 2);
}
