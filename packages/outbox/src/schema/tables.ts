import { nameOption } from '../options.ts';

/** Qualified, quoted names of one engine's tables and functions. Several engines share a database by having a schema each. */
export interface Tables {
  readonly schema: string;
  readonly outbox: string;
  readonly outboxSequence: string;
  readonly lanes: string;
  readonly relays: string;
  readonly flights: string;
  readonly inbox: string;
  readonly inboxSequence: string;
  readonly replays: string;
  readonly retention: string;
  readonly migrations: string;
  readonly claim: string;
  readonly begin: string;
  readonly markSent: string;
  readonly inboxInsert: string;
}

/** Number of lanes, as the migrations create them: part of the stored rows, hence no option. */
export const LANE_COUNT = 64;

export const DEFAULT_SCHEMA = 'public';

const known = new Map<string, Tables>();

export function tablesOf(schema: string = DEFAULT_SCHEMA): Tables {
  let tables = known.get(schema);
  if (tables === undefined) {
    const prefix = `${quoteIdentifier(nameOption('outbox', 'schema', schema, 63))}.`;
    tables = Object.freeze({
      schema,
      outbox: `${prefix}outbox`,
      outboxSequence: `${prefix}outbox_id_seq`,
      lanes: `${prefix}outbox_lanes`,
      relays: `${prefix}outbox_relays`,
      flights: `${prefix}outbox_flights`,
      inbox: `${prefix}inbox`,
      inboxSequence: `${prefix}inbox_id_seq`,
      replays: `${prefix}outbox_replays`,
      retention: `${prefix}outbox_retention`,
      migrations: `${prefix}outbox_migrations`,
      claim: `${prefix}outbox_claim`,
      begin: `${prefix}outbox_begin`,
      markSent: `${prefix}outbox_mark_sent`,
      inboxInsert: `${prefix}inbox_insert`,
    });
    known.set(schema, tables);
  }
  return tables;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
