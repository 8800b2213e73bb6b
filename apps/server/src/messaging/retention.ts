import { type Database, Retention } from '@dt/outbox';
import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import type { MessagingMetrics } from './metrics.ts';

const hourMs = 3_600_000;

export interface ServerRetentionOptions {
  outbox: Config['outbox'];
  inbox: Config['inbox'];
  database: Database;
  log: Log;
  metrics: MessagingMetrics | undefined;
}

/** Drops sent rows of the outbox and applied ones of the inbox once they are as old as configured. */
export function startRetention({ outbox, inbox, database, log, metrics }: ServerRetentionOptions): Retention {
  const retention = new Retention({
    database,
    outboxMs: ageMs(outbox.retention_hours),
    inboxMs: ageMs(inbox.retention_hours),
    onRun: (run) => {
      metrics?.dropped(run);
      const { box, dropped, durationMs } = run;
      if (dropped > 0)
        log.info({ box, rows: dropped, ms: Math.round(durationMs) }, 'retention: rows dropped');
    },
    onError: (err) => log.warn({ err }, 'retention: failed, trying again'),
  });
  retention.start();
  return retention;
}

function ageMs(hours: number): number {
  return hours === 0 ? Infinity : hours * hourMs;
}
