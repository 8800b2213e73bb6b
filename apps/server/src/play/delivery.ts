import { setTimeout as pause } from 'node:timers/promises';

/** The one thing this asks of a database client. */
export interface Queries {
  query(text: string, values: readonly unknown[]): Promise<{ rows: unknown[] }>;
}

/** How far the settlements of a set of orders have come. Each order wants exactly one row of each. */
export interface DeliveryReport {
  readonly orders: number;
  /** Orders with exactly one `order_settled` row in the outbox, and that one sent. */
  readonly outboxSent: number;
  /** Orders with exactly one `order_settled` row in the inbox, and that one applied. */
  readonly inboxApplied: number;
  /** Orders with more than one row in either. */
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
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (report: DeliveryReport) => void;
}

interface OrderRow {
  readonly bill_no: string;
  readonly outbox_rows: number;
  readonly outbox_sent: number;
  readonly inbox_rows: number;
  readonly inbox_applied: number;
  readonly dead: boolean;
}

const BILL_NOS_A_QUERY = 5_000;
const MISSING_SHOWN = 5;
const POLL_MS = 200;

// A settlement's message key is `billNo:revision:event`; first settlements have revision 1.
const deliveryOfOrders = `
  SELECT bill_no,
         (SELECT count(*)::int FROM outbox o WHERE o.message_key = key) AS outbox_rows,
         (SELECT count(*)::int FROM outbox o WHERE o.message_key = key AND o.status = 1) AS outbox_sent,
         (SELECT count(*)::int FROM inbox i WHERE i.consumer_group = $2 AND i.message_key = key) AS inbox_rows,
         (SELECT count(*)::int FROM inbox i WHERE i.consumer_group = $2 AND i.message_key = key AND i.status = 1) AS inbox_applied,
         EXISTS (SELECT FROM outbox o WHERE o.message_key = key AND o.status = 2)
           OR EXISTS (SELECT FROM inbox i WHERE i.consumer_group = $2 AND i.message_key = key AND i.status = 2) AS dead
    FROM unnest($1::text[]) AS bill_no, LATERAL (SELECT bill_no || ':1:order_settled' AS key)`;

/** Asks until every order is through, or the time is over, and says how far they came. */
export async function awaitDelivery(options: AwaitDeliveryOptions): Promise<DeliveryReport> {
  const { database, consumerGroup, billNos, timeoutMs, signal, onProgress } = options;
  const started = performance.now();
  const through = { outboxSent: 0, inboxApplied: 0 };
  let open: readonly string[] = billNos;
  for (;;) {
    const rows = await ordersOf(database, consumerGroup, open);
    const waiting = rows.filter((row) => !isThrough(row));
    // Orders that are through stay so: only the others are asked about again.
    through.outboxSent += rows.length - waiting.length;
    through.inboxApplied += rows.length - waiting.length;
    open = waiting.map((row) => row.bill_no);
    const waitedMs = performance.now() - started;
    const report: DeliveryReport = {
      orders: billNos.length,
      outboxSent:
        through.outboxSent + waiting.filter((row) => row.outbox_rows === 1 && row.outbox_sent === 1).length,
      inboxApplied:
        through.inboxApplied +
        waiting.filter((row) => row.inbox_rows === 1 && row.inbox_applied === 1).length,
      doubled: waiting.filter((row) => row.outbox_rows > 1 || row.inbox_rows > 1).length,
      dead: waiting.filter((row) => row.dead).length,
      missing: open.slice(0, MISSING_SHOWN),
      waitedMs,
    };
    onProgress?.(report);
    if (open.length === 0 || report.doubled > 0 || report.dead > 0 || waitedMs + POLL_MS > timeoutMs)
      return report;
    await pause(POLL_MS, undefined, signal && { signal });
  }
}

function isThrough(row: OrderRow): boolean {
  return row.outbox_rows === 1 && row.outbox_sent === 1 && row.inbox_rows === 1 && row.inbox_applied === 1;
}

async function ordersOf(
  database: Queries,
  consumerGroup: string,
  billNos: readonly string[],
): Promise<OrderRow[]> {
  const rows: OrderRow[] = [];
  for (let start = 0; start < billNos.length; start += BILL_NOS_A_QUERY) {
    const chunk = billNos.slice(start, start + BILL_NOS_A_QUERY);
    rows.push(...((await database.query(deliveryOfOrders, [chunk, consumerGroup])).rows as OrderRow[]));
  }
  return rows;
}

/** Whether every order came through exactly once. */
export function isDelivered(report: DeliveryReport): boolean {
  return report.outboxSent === report.orders && report.inboxApplied === report.orders;
}
