import { type Database, select } from '../database/database.ts';
import { OutboxError } from '../errors.ts';
import { choiceOption, integerOption, nameOption, requireMethod } from '../options.ts';
import { type Tables, tablesOf } from '../schema/tables.ts';
import {
  type DetailsRow,
  findSql,
  type GroupRow,
  type LetterRow,
  listSql,
  type PastLifeRow,
  pastLivesSql,
  skipPlanSql,
  type SkipPlanRow,
  skipSql,
  summarySql,
} from './dead-letters.sql.ts';
import { filterValues, type LetterFilter } from './filter.ts';
import { type Box, type Letter, type LetterDetails, type LetterName, type LetterStatus } from './letter.ts';
import {
  afterOption,
  planReplay,
  replay,
  type ReplayOptions,
  type ReplayPlan,
  type ReplayReport,
} from './replay.ts';
import { type LetterGroup, toDetails, toGroup, toLetter } from './rows.ts';

export interface DeadLettersOptions {
  readonly database: Database;
  readonly box: Box;
  /** @default 'public' */
  readonly schema?: string;
}

export interface LetterQuery extends LetterFilter {
  /** @default 'dead' */
  readonly status?: LetterStatus;
  /** @default 'newest' */
  readonly order?: 'newest' | 'oldest';
  /** Most letters of a page, up to 1000. @default 50 */
  readonly limit?: number;
  /** `next` of the page before. @default the first page */
  readonly after?: number;
}

export interface LetterPage {
  readonly letters: readonly Letter[];
  /** `after` of the next page; undefined when this is the last. */
  readonly next: number | undefined;
}

export interface LetterSummary {
  /** The largest first. */
  readonly groups: readonly LetterGroup[];
  /** All that match, and their groups, those left out included. */
  readonly messages: number;
  readonly allGroups: number;
}

/** What `skip` would do. */
export interface SkipPlan {
  /** Dead messages that hold their sharding key. */
  readonly messages: number;
  readonly keys: number;
  /** Messages of these keys that wait. */
  readonly waiting: number;
  /** Ids of the first of `messages`, up to 20. */
  readonly first: readonly number[];
}

const NAMED_SKIPS = 20;

/**
 * The rows that were given up, and the way back for them. Nothing is ever deleted: a replay makes a dead row pending
 * again, with a fresh budget of attempts, and keeps in the history how it had died. Everything else only looks.
 *
 * The key of a dead row has gone on meanwhile, unless the relay holds it: replayed, it comes behind its successors.
 */
export class DeadLetters {
  readonly #database: Database;
  readonly #box: Box;
  readonly #tables: Tables;

  constructor(options: DeadLettersOptions) {
    requireMethod('DeadLetters', 'database', options.database, 'query');
    this.#database = options.database;
    this.#box = choiceOption('DeadLetters', 'box', options.box, ['outbox', 'inbox']);
    this.#tables = tablesOf(options.schema);
  }

  /** One page in the order of ids: stable, whatever is sent, received or replayed between two pages. */
  async list(query: LetterQuery = {}): Promise<LetterPage> {
    const status = statusOf(query.status);
    const order = choiceOption('DeadLetters', 'order', query.order ?? 'newest', ['newest', 'oldest']);
    const limit = integerOption('DeadLetters', 'limit', query.limit, 50, 1, 1000);
    const rows = await select<LetterRow>(
      this.#database,
      listSql(this.#tables, this.#box, status, order),
      // One row more tells whether there is a next page.
      [...filterValues(this.#box, status, query), afterOption(query.after), limit + 1],
    );
    const letters = rows.slice(0, limit).map(toLetter);
    return { letters, next: rows.length > limit ? letters.at(-1)?.id : undefined };
  }

  /** How many there are of each topic, tag and error. `limit`: most groups, up to 1000. @default 50 */
  async summary(query: Omit<LetterQuery, 'order' | 'after'> = {}): Promise<LetterSummary> {
    const status = statusOf(query.status);
    const limit = integerOption('DeadLetters', 'limit', query.limit, 50, 1, 1000);
    const rows = await select<GroupRow>(this.#database, summarySql(this.#tables, this.#box, status), [
      ...filterValues(this.#box, status, query),
      limit,
    ]);
    return {
      groups: rows.map(toGroup),
      messages: rows[0]?.all_messages ?? 0,
      allGroups: rows[0]?.all_groups ?? 0,
    };
  }

  /**
   * One row of any status with its payload, headers and past lives.
   * @throws OutboxError `not-found`
   */
  async show(name: LetterName): Promise<LetterDetails> {
    const [row] = await select<DetailsRow>(
      this.#database,
      findSql(this.#tables, this.#box),
      this.#keyOf(name),
    );
    if (row === undefined) throw new OutboxError('not-found', `the ${this.#box} has no ${describe(name)}`);
    const pastLives = await select<PastLifeRow>(this.#database, pastLivesSql(this.#tables), [
      this.#box,
      String(row.id),
    ]);
    return toDetails(row, pastLives);
  }

  /** What `replay` with this filter would do. Reads the table from the oldest of the dead ones on. */
  async plan(filter: LetterFilter = {}, options: { readonly after?: number } = {}): Promise<ReplayPlan> {
    const values = [...filterValues(this.#box, 'dead', filter), afterOption(options.after)];
    return planReplay(this.#database, this.#tables, this.#box, values);
  }

  /**
   * Makes the dead rows that match pending again: in the order of ids, a bounded number a transaction, no faster than
   * asked. Rows that cannot be read are left. Two replays at once wait for each other: each row is replayed once.
   * Relays and inboxes, of whatever process, find the rows by themselves within about a second.
   */
  async replay(filter: LetterFilter, options: ReplayOptions): Promise<ReplayReport> {
    const values = filterValues(this.#box, 'dead', filter);
    return replay(this.#database, this.#tables, this.#box, values, options);
  }

  /**
   * Replays one row, and says why it cannot.
   * @throws OutboxError `not-found`, `not-dead`, `unreadable`
   */
  async replayOne(name: LetterName, options: { readonly by: string }): Promise<void> {
    const { id } = await this.checkReplayable(name);
    const { replayed } = await this.replay({ id }, options);
    // Somebody else was quicker.
    if (replayed === 0) await this.checkReplayable(name);
  }

  /**
   * The message, if `replayOne` would replay it.
   * @throws OutboxError `not-found`, `not-dead`, `unreadable`
   */
  async checkReplayable(name: LetterName): Promise<Letter> {
    const letter = await this.show(name);
    const what = `${this.#box} ${describe(name)}`;
    if (letter.status !== 'dead') {
      throw new OutboxError(
        'not-dead',
        `the ${what} is ${letter.status}: only dead messages can be replayed`,
      );
    }
    if (!letter.replayable) {
      throw new OutboxError(
        'unreadable',
        `the ${what} could not be read when it was received, so it cannot be applied: have its sender send it again under another key`,
      );
    }
    return letter;
  }

  /**
   * Lets the sharding keys go on that wait behind dead messages which match (`onDead: 'hold'` of the relay). The messages
   * stay dead, with who asked for it in their error. Relays find out within about a second.
   * @returns how many messages were skipped
   */
  async skip(filter: LetterFilter, options: { readonly by: string }): Promise<number> {
    this.#requireOutbox();
    const by = nameOption('skip', 'by', options.by);
    const values = [...filterValues(this.#box, 'dead', filter), by];
    return (await select(this.#database, skipSql(this.#tables), values)).length;
  }

  /** What `skip` with this filter would do. */
  async planSkip(filter: LetterFilter = {}): Promise<SkipPlan> {
    this.#requireOutbox();
    const values = [...filterValues(this.#box, 'dead', filter), NAMED_SKIPS];
    const [row] = await select<SkipPlanRow>(this.#database, skipPlanSql(this.#tables), values);
    const { messages = 0, keys = 0, waiting = 0, first = [] } = row ?? {};
    return { messages, keys, waiting, first: (first ?? []).map(Number) };
  }

  #requireOutbox(): void {
    if (this.#box !== 'outbox') {
      throw new OutboxError('invalid-option', 'DeadLetters: only dead messages of the outbox hold their key');
    }
  }

  #keyOf(name: LetterName): unknown[] {
    if (this.#box === 'outbox') {
      if ('id' in name) return [integerOption('DeadLetters', 'id', name.id, 0, 1)];
    } else if ('messageKey' in name) return [name.consumerGroup, name.messageKey];
    const wanted = this.#box === 'outbox' ? 'id' : 'consumerGroup and messageKey';
    throw new OutboxError(
      'invalid-option',
      `DeadLetters: a message of the ${this.#box} is named by ${wanted}`,
    );
  }
}

function describe(name: LetterName): string {
  return 'id' in name
    ? `message with the id ${name.id}`
    : `message of the group ${name.consumerGroup} with the key ${name.messageKey}`;
}

function statusOf(status: LetterStatus | undefined): LetterStatus {
  return choiceOption('DeadLetters', 'status', status ?? 'dead', ['pending', 'done', 'dead']);
}
