import { onAbort } from './on-abort.ts';

/** A number of places; who finds none waits in line. */
export class Slots {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Resolves with the function that gives the place back, or with `undefined` when the signal fires first. */
  acquire(signal: AbortSignal): Promise<(() => void) | undefined> {
    if (signal.aborted) return Promise.resolve(undefined);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(this.#release());
    }
    return new Promise((resolve) => {
      const take = (): void => {
        unlisten();
        resolve(this.#release());
      };
      const leave = (): void => {
        this.#line.splice(this.#line.indexOf(take), 1);
        resolve(undefined);
      };
      this.#line.push(take);
      const unlisten = onAbort(signal, leave);
    });
  }

  /** A place that is free now; `undefined` when there is none. */
  tryAcquire(): (() => void) | undefined {
    if (this.#free === 0) return undefined;
    this.#free--;
    return this.#release();
  }

  #release(): () => void {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = this.#line.shift();
      if (next === undefined) this.#free++;
      else next();
    };
  }
}
