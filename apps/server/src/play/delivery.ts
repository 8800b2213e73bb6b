import { setTimeout as pause } from 'node:timers/promises';
import { sqlState } from '../database/index.ts';

/** The one thing this asks of a database client. */
export interface Queries {
  query(text: string, values: readonly unknown[]): Promise<{ rows: unknown[] }>;
}

/** How far the settlements of a set of orders have come. Each order wants exactly one row of each. */
export interface DeliveryReport {
  readonly orders: number;
  /** Orders with exactly one `order_settled` row in the outbox, and that one sent. */
  readonly outboxSent: number;
  /** Orders whose `order_settled` row in the inbox is applied. */
  readonly inboxApplied: number;
  /** Orders with more than one row in the outbox. */
  readonly doubled: number;
  /** Orders with a row that was given up (status 2). */
  readonly dead: number;
  /** Some orders that are not through, for the search. */
  readonly missing: readonly string[];
  readonly waitedMs: number;
}

export interface AwaitDeliveryOptions {
  readonly database: Queries;
  readonly consumerGroup: string;
  readonly billNos: readonly string[];
  /** From {@link outboxMark}, taken before the first order. @default '0' */
  readonly mark?: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: DeliveryReport) => void;
}

interface OrderRow {
  readonly bill_no: string;
  readonly outbox_rows: number;
  readonly outbox_sent: number;
  /** The inbox cannot hold two: its key is unique. */
  readonly is_applied: boolean;
  readonly is_dead: boolean;
}

const BILL_NOS_A_QUERY = 5_000;
const MISSING_SHOWN = 5;
const POLL_MS = 200;

const lastOutboxId = `SELECT coalesce(max(id), 0)::text AS id FROM outbox`;

// A settlement's message key is `billNo:revision:event`; first settlements have revision 1. The outbox has no index
// on its keys: $3 keeps the scan to the rows that were written since the run began.
const deliveryOfOrders = `
  WITH wanted AS (
    SELECT bill_no, bill_no || ':1:order_settled' AS message_key FROM unnest($1::text[]) AS bill_no
  ), sent AS (
    SELECT o.message_key, count(*) AS found, count(*) FILTER (WHERE o.status = 1) AS done, bool_or(o.status = 2) AS dead
      FROM outbox o JOIN wanted USING (message_key)
     WHERE o.id > $3::bigint
     GROUP BY o.message_key
  )
  SELECT w.bill_no,
         coalesce(s.found, 0)::int AS outbox_rows,
         coalesce(s.done, 0)::int AS outbox_sent,
         coalesce(i.status = 1, false) AS is_applied,
         coalesce(s.dead, false) OR coalesce(i.status = 2, false) AS is_dead
    FROM wanted w
    LEFT JOIN sent s USING (message_key)
    LEFT JOIN inbox i ON i.consumer_group = $2 AND i.message_key = w.message_key`;

/** The point in the outbox behind which everything that starts now will write. */
export async function outboxMark(database: Queries): Promise<string> {
  const [row] = (await database.query(lastOutboxId, [])).rows as { id: string }[];
  return row?.id ?? '0';
}

/** Asks until every order is through, or the time is over, and says how far they came. */
export async function awaitDelivery(options: AwaitDeliveryOptions): Promise<DeliveryReport> {
  const { billNos, timeoutMs, signal, onProgress } = options;
  const started = performance.now();
  const through = { outboxSent: 0, inboxApplied: 0 };
  let open: readonly string[] = billNos;
  for (;;) {
    const rows = await ordersOf(options, open).catch((error: unknown) => {
      if (isPassing(error) && performance.now() - started < timeoutMs) return undefined;
      throw error;
    });
    if (rows === undefined) {
      await pause(POLL_MS, undefined, signal && { signal });
      continue;
    }
    const waiting = rows.filter((row) => !isThrough(row));
    // Orders that are through stay so: only the others are asked about again.
    through.outboxSent += rows.length - waiting.length;
    through.inboxApplied += rows.length - waiting.length;
    open = waiting.map((row) => row.bill_no);
    const waitedMs = performance.now() - started;
    const report: DeliveryReport = {
      orders: billNos.length,
      outboxSent: through.outboxSent + waiting.filter(isSent).length,
      inboxApplied: through.inboxApplied + waiting.filter((row) => row.is_applied).length,
      doubled: waiting.filter((row) => row.outbox_rows > 1).length,
      dead: waiting.filter((row) => row.is_dead).length,
      missing: open.slice(0, MISSING_SHOWN),
      waitedMs,
    };
    onProgress?.(report);
    if (open.length === 0 || report.doubled > 0 || report.dead > 0 || waitedMs + POLL_MS > timeoutMs)
      return report;
    await pause(POLL_MS, undefined, signal && { signal });
  }
}

function isSent(row: OrderRow): boolean {
  return row.outbox_rows === 1 && row.outbox_sent === 1;
}

function isThrough(row: OrderRow): boolean {
  return isSent(row) && row.is_applied;
}

/** A server that restarts takes its connections with it; what PostgreSQL says of the statement itself stays. */
function isPassing(error: unknown): boolean {
  const state = sqlState(error);
  return state === undefined || /^(08|53|57P)/.test(state);
}

async function ordersOf(
  { database, consumerGroup, mark = '0' }: AwaitDeliveryOptions,
  billNos: readonly string[],
): Promise<OrderRow[]> {
  const rows: OrderRow[] = [];
  for (let start = 0; start < billNos.length; start += BILL_NOS_A_QUERY) {
    const chunk = billNos.slice(start, start + BILL_NOS_A_QUERY);
    rows.push(...((await database.query(deliveryOfOrders, [chunk, consumerGroup, mark])).rows as OrderRow[]));
  }
  return rows;
}

/** Whether every order came through exactly once. */
export function isDelivered(report: DeliveryReport): boolean {
  return report.outboxSent === report.orders && report.inboxApplied === report.orders;
}
