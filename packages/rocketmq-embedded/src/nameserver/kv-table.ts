import { noRoom } from '../server/index.ts';
import type { JsonFile } from '../store/index.ts';

type Namespaces = Record<string, Record<string, string>>;

/** Texts by namespace and key, kept in a file. Tools put the configuration of ordered topics here. */
export class KvTable {
  readonly #file: JsonFile;
  readonly #namespaces = new Map<string, Map<string, string>>();

  readonly #max: number;
  #count = 0;

  /** `max` texts there may be. */
  constructor(file: JsonFile, max: number) {
    this.#file = file;
    this.#max = max;
    for (const [namespace, entries] of Object.entries((file.load() ?? {}) as Namespaces)) {
      this.#namespaces.set(namespace, new Map(Object.entries(entries)));
      this.#count += Object.keys(entries).length;
    }
  }

  get(namespace: string, key: string): string | undefined {
    return this.#namespaces.get(namespace)?.get(key);
  }

  list(namespace: string): Record<string, string> | undefined {
    const entries = this.#namespaces.get(namespace);
    return entries === undefined ? undefined : Object.fromEntries(entries);
  }

  put(namespace: string, key: string, value: string): void {
    let entries = this.#namespaces.get(namespace);
    if (entries?.has(key) !== true) {
      // A namespace stays when it is empty.
      if (Math.max(this.#count, this.#namespaces.size) >= this.#max) throw noRoom('texts', this.#max);
      this.#count++;
    }
    if (entries === undefined) this.#namespaces.set(namespace, (entries = new Map<string, string>()));
    entries.set(key, value);
    this.#save();
  }

  delete(namespace: string, key: string): void {
    const entries = this.#namespaces.get(namespace);
    if (entries?.delete(key) !== true) return;
    this.#count--;
    this.#save();
  }

  #save(): void {
    this.#file.saveNow(
      Object.fromEntries([...this.#namespaces].map(([name, entries]) => [name, Object.fromEntries(entries)])),
    );
  }
}
