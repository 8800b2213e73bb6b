import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises';

/**
 * Where in a step a process dies: before anything left it; with the request out and its connections cut, so that it
 * may have been carried out or not; when it was carried out, with the answer lost.
 */
export type Moment = 'before' | 'during' | 'after';

export interface Fate<Step extends string> {
  /** Dies at the `hit`-th time (1 is the first) it comes to the step. */
  readonly death?: { readonly step: Step; readonly moment: Moment; readonly hit: number };
  /** Stands still at the `hit`-th time it comes to the step, in all it does, as a process that is swapped out. */
  readonly stall?: { readonly step: Step; readonly hit: number; readonly pauseMs: number };
}

/** What everything of a dead incarnation gets. */
export class DeadError extends Error {
  override readonly name = 'DeadError';
}

/**
 * One life of a process, within this process. Whatever it does to the world goes through `step`; when it dies, what is
 * under way is cut, and from then on every step is refused: nothing the old code still does reaches anybody.
 */
export class Incarnation<Step extends string = string> {
  readonly #fate: Fate<Step>;
  readonly #hits = new Map<Step, number>();
  readonly #cuts = new Set<() => void>();
  readonly #death: Promise<never>;
  #refuse: (error: DeadError) => void = () => {};
  #dead = false;
  #standing: Promise<unknown> | undefined;
  #fellAt: { step: Step; moment: Moment } | undefined;

  constructor(fate: Fate<Step> = {}) {
    this.#fate = fate;
    this.#death = new Promise((_resolve, reject) => {
      this.#refuse = reject;
    });
    this.#death.catch(() => {});
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The step at which its fate came true. */
  get fellAt(): { readonly step: Step; readonly moment: Moment } | undefined {
    return this.#fellAt;
  }

  /** Resolves at the death. */
  get died(): Promise<void> {
    return this.#death.catch(() => {});
  }

  /** Dies at once, wherever it is. */
  kill(): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const cut of this.#cuts) cut();
    this.#cuts.clear();
    this.#refuse(new DeadError('this incarnation is dead'));
  }

  /** Has `cut` called at the death; returns how to take that back. */
  onDeath(cut: () => void): () => void {
    this.#cuts.add(cut);
    return () => this.#cuts.delete(cut);
  }

  /** The result of `promise`, unless death comes first. */
  orDeath<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([this.#death, promise]);
  }

  /** Does `work`, unless the fate says otherwise. */
  async step<T>(step: Step, work: () => Promise<T>): Promise<T> {
    if (this.#dead) return this.#death;
    const hit = (this.#hits.get(step) ?? 0) + 1;
    this.#hits.set(step, hit);
    const { death, stall } = this.#fate;
    const moment = death?.step === step && death.hit === hit ? death.moment : undefined;
    if (moment === 'before') return this.#fall(step, moment);
    if (stall?.step === step && stall.hit === hit) this.#standing = pause(stall.pauseMs);
    if (this.#standing !== undefined) await this.orDeath(this.#standing);
    const result = work();
    if (moment === 'during') {
      result.catch(() => {});
      // What was written goes out with the end of this turn.
      await turn();
      return this.#fall(step, moment);
    }
    const value = await this.orDeath(result);
    return moment === 'after' ? this.#fall(step, moment) : value;
  }

  #fall(step: Step, moment: Moment): Promise<never> {
    if (!this.#dead) this.#fellAt = { step, moment };
    this.kill();
    return this.#death;
  }
}
