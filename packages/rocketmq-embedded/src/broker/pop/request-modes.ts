import { JsonReader, type JsonValue, type MessageRequestMode } from '@dt/rocketmq-protocol';
import { noRoom } from '../../server/index.ts';
import type { JsonFile } from '../../store/index.ts';

export interface RequestMode {
  mode: MessageRequestMode;
  /** With POP: members that share the queues of one; 0 and less for all. */
  popShareQueueNum: number;
}

const PULL: RequestMode = { mode: 'PULL', popShareQueueNum: 0 };

/** How groups get the messages of topics, as tools have set it. A change is on disk before the call returns. */
export class RequestModes {
  readonly #file: JsonFile;
  /** By `topic@group`. */
  readonly #modes = new Map<string, RequestMode>();

  readonly #max: number;

  /** `max` of them there may be. */
  constructor(file: JsonFile, max: number) {
    this.#file = file;
    this.#max = max;
    const document = file.load();
    if (document === undefined) return;
    const reader = new JsonReader(document as JsonValue, file.path);
    for (const key of reader.keys) {
      const entry = reader.object(key);
      const mode = entry.string('mode') === 'POP' ? 'POP' : 'PULL';
      this.#modes.set(key, { mode, popShareQueueNum: entry.integer('popShareQueueNum', 0) });
    }
  }

  get(topic: string, group: string): RequestMode {
    return this.#modes.get(`${topic}@${group}`) ?? PULL;
  }

  set(topic: string, group: string, mode: RequestMode): void {
    const key = `${topic}@${group}`;
    if (!this.#modes.has(key) && this.#modes.size >= this.#max) throw noRoom('request modes', this.#max);
    this.#modes.set(key, { ...mode });
    this.#file.saveNow(Object.fromEntries(this.#modes));
  }
}
