import { EmbeddedError } from '../errors.ts';
import type { Logger } from '../logger.ts';

/** What a start does about files that do not hold their checksums. */
export type OnDamage = 'serve-rest' | 'refuse';

/** Positions named in one line of the log. */
const MAX_NAMED = 20;
/** Damaged records that are remembered so as to be named once. */
const MAX_REMEMBERED = 100_000;

/** Bytes of a segment that hold no intact record. */
export interface DamagedRange {
  /** Of the first byte, in its file. */
  position: number;
  bytes: number;
}

/** What is lost with damaged bytes: by `topic@queueId`, how many messages. */
export type LostMessages = Map<string, number>;

/** Names what is damaged, once, or ends the start with it. */
export class DamageReport {
  readonly #policy: OnDamage;
  readonly #logger: Logger;
  readonly #known = new Set<string>();

  constructor(policy: OnDamage, logger: Logger) {
    this.#policy = policy;
    this.#logger = logger;
  }

  get refuses(): boolean {
    return this.#policy === 'refuse';
  }

  /** Throws store-corrupt where damage ends the start. */
  inLog(file: string, ranges: readonly DamagedRange[], lost: LostMessages): void {
    const news = ranges.filter(({ position }) => this.#isNew(file, position));
    const first = news[0];
    if (first === undefined) return;
    if (this.refuses) throw refusal(file, first.position);
    this.#logger.error(
      {
        file,
        damaged: news.slice(0, MAX_NAMED),
        damagedCount: news.length,
        damagedBytes: news.reduce((sum, range) => sum + range.bytes, 0),
        lost: Object.fromEntries(lost),
      },
      'rocketmq store: damaged records of the log are passed over',
    );
  }

  /** A damaged message that the index leads to. Throws store-corrupt where damage is not passed over. */
  inQueue(file: string, position: number, topic: string, queueId: number, queueOffset: number): void {
    if (this.refuses) throw refusal(file, position);
    if (!this.#isNew(file, position)) return;
    this.#logger.error(
      { file, position, topic, queueId, queueOffset },
      'rocketmq store: a damaged message is passed over',
    );
  }

  #isNew(file: string, position: number): boolean {
    const key = `${file}:${position}`;
    if (this.#known.has(key)) return false;
    if (this.#known.size < MAX_REMEMBERED) this.#known.add(key);
    return true;
  }
}

function refusal(file: string, position: number): EmbeddedError {
  return new EmbeddedError(
    'store-corrupt',
    `${file} does not hold its checksum at byte ${position}. Restore the file from a copy, ` +
      "or start with onDamage 'serve-rest' to go on without what is damaged",
  );
}
