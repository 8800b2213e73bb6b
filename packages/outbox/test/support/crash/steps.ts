import { type Moment } from '@dt/testkit';
import { enqueueSql } from '../../../src/enqueue/enqueue.sql.ts';
import {
  dueKeysSql,
  insertSql,
  lockKeySql,
  pendingOfKeySql,
  resultSql,
} from '../../../src/inbox/inbox.sql.ts';
import { acquireSql, leaveSql, releaseSql, renewSql } from '../../../src/relay/leases.sql.ts';
import {
  beginSql,
  claimSql,
  landSql,
  lastIdSql,
  markFailedSql,
  markSentSql,
  writersSql,
} from '../../../src/relay/relay.sql.ts';
import { type Tables, tablesOf } from '../../../src/schema/tables.ts';

/**
 * Every step of the road at which a process can die, by the process that takes it. A step is a statement, told by its
 * text, or something done to the broker (`send`, `receive`, `ack`).
 */
export const STEPS = {
  writer: ['enqueue', 'commit'],
  relay: [
    ...([
      'lease.renew',
      'lease.acquire',
      'lease.release',
      'lease.leave',
      'seal.id',
      'seal.writers',
      'claim',
    ] as const),
    ...(['flight', 'send', 'mark.sent', 'mark.failed', 'mark.landed'] as const),
  ],
  consumer: [
    ...(['receive', 'inbox.insert', 'effect', 'inbox.result', 'inbox.commit', 'ack'] as const),
    ...(['retry.look', 'retry.lock', 'retry.rows'] as const),
  ],
} as const;

export type Role = keyof typeof STEPS;
export type StepOf<R extends Role> = (typeof STEPS)[R][number];

export interface FailPoint<R extends Role> {
  readonly step: StepOf<R>;
  readonly moment: Moment;
}

const MOMENTS: readonly Moment[] = ['before', 'during', 'after'];

/** All places where a process of the role dies. */
export function failPoints<R extends Role>(role: R): FailPoint<R>[] {
  const steps: readonly StepOf<R>[] = STEPS[role];
  return steps.flatMap((step) => MOMENTS.map((moment) => ({ step, moment })));
}

type Statements<R extends Role> = Partial<Record<StepOf<R>, (tables: Tables) => string>>;

const STATEMENTS: { readonly [R in Role]: Statements<R> } = {
  writer: { enqueue: enqueueSql, commit: () => 'COMMIT' },
  relay: {
    'lease.renew': renewSql,
    'lease.acquire': (tables) => acquireSql(tables, false),
    'lease.release': releaseSql,
    'lease.leave': leaveSql,
    'seal.id': lastIdSql,
    'seal.writers': writersSql,
    claim: claimSql,
    flight: beginSql,
    'mark.sent': markSentSql,
    'mark.failed': (tables) => markFailedSql(tables, false),
    'mark.landed': landSql,
  },
  consumer: {
    'inbox.insert': insertSql,
    effect: effectSql,
    'inbox.result': resultSql,
    'inbox.commit': () => 'COMMIT',
    'retry.look': dueKeysSql,
    'retry.lock': lockKeySql,
    'retry.rows': pendingOfKeySql,
  },
};

/** Tells a statement's step from its text. */
export function stepsOf<R extends Role>(role: R, schema: string): (text: string) => StepOf<R> | undefined {
  const tables = tablesOf(schema);
  const statements: Statements<R> = STATEMENTS[role];
  const steps: readonly StepOf<R>[] = STEPS[role];
  const byText = new Map(
    steps.flatMap((step) => {
      const sql = statements[step];
      return sql === undefined ? [] : [[sql(tables), step] as const];
    }),
  );
  return (text) => byText.get(text);
}

/**
 * The effect of the messages of a batch on the projection: a row each in the list of effects, and the balances. What
 * comes before its predecessor of the same key, or a second time, is counted.
 * $1 message keys, $2 sharding keys, $3 numbers within the key, $4 amounts.
 */
export function effectSql({ schema }: Pick<Tables, 'schema'>): string {
  return `
WITH m AS MATERIALIZED (
  SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
    WITH ORDINALITY AS u(message_key, key, number, amount, place)
), listed AS (
  INSERT INTO ${schema}.effects (message_key) SELECT message_key FROM m
), steps AS (
  SELECT key, number, amount, place, lag(number) OVER (PARTITION BY key ORDER BY place) AS before FROM m
)
UPDATE ${schema}.projection p
SET balance = p.balance + s.amount, last_number = s.last,
    inversions = p.inversions + s.inversions + CASE WHEN p.last_number >= s.first THEN 1 ELSE 0 END
FROM (
  SELECT key, sum(amount) AS amount, min(number) AS first, max(number) AS last,
         (count(*) FILTER (WHERE number <= before))::int AS inversions
  FROM steps GROUP BY key
) AS s WHERE p.key = s.key`;
}
