/** One task at a time for each key; the others of that key wait in line. */
export class KeyedMutex {
  readonly #last = new Map<string, Promise<void>>();

  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    let release = (): void => undefined;
    const mine = new Promise<void>((resolve) => (release = resolve));
    this.#last.set(key, mine);
    try {
      await before;
      return await task();
    } finally {
      if (this.#last.get(key) === mine) this.#last.delete(key);
      release();
    }
  }
}
