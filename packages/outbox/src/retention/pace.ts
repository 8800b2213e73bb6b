export interface Pace {
  /** Most rows of the next batch. */
  readonly rows: number;
  /** Rest before it. */
  readonly restMs: number;
}

/** Of the time, this part at most is spent on dropping. */
const SHARE = 0.2;
/** A batch that takes longer meets a database that has better things to do. */
const BUSY_MS = 200;
const LEAST_ROWS = 50;
const MOST_REST_MS = 10_000;

/** The next batch, by how long the last one took: smaller and much later when the database is busy. */
export function nextPace(rows: number, mostRows: number, tookMs: number): Pace {
  if (tookMs > BUSY_MS) {
    return {
      rows: Math.max(Math.min(LEAST_ROWS, mostRows), Math.floor(rows / 2)),
      restMs: Math.min(MOST_REST_MS, tookMs * 10),
    };
  }
  return { rows: Math.min(mostRows, Math.ceil(rows * 1.25)), restMs: tookMs * (1 / SHARE - 1) };
}
