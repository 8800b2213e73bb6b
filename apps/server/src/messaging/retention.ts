import { type Database, OutboxError, Retention } from '@dt/outbox';
import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import type { MessagingMetrics } from './metrics.ts';
import { redeliverySpanMs } from './redelivery.ts';

const hourMs = 3_600_000;

export interface ServerRetentionOptions {
  config: Config['rocketmq'];
  outbox: Config['outbox'];
  inbox: Config['inbox'];
  database: Database;
  log: Log;
  metrics: MessagingMetrics | undefined;
}

/**
 * Drops sent rows of the outbox and applied ones of the inbox once they are as old as configured. Where the inbox would
 * forget what RocketMQ can deliver again nothing is dropped at all, and it resolves to undefined.
 */
export async function startRetention({
  config,
  outbox,
  inbox,
  database,
  log,
  metrics,
}: ServerRetentionOptions): Promise<Retention | undefined> {
  const retention = new Retention({
    database,
    outboxMs: ageMs(outbox.retention_hours),
    inboxMs: ageMs(inbox.retention_hours),
    redeliverySpanMs: () => redeliverySpanMs(config, log),
    onShortMemory: inbox.short_memory,
    onRun: (run) => {
      metrics?.dropped(run);
      const { box, dropped, durationMs } = run;
      if (dropped > 0)
        log.info({ box, rows: dropped, ms: Math.round(durationMs) }, 'retention: rows dropped');
    },
    onError: (err) => {
      if (err instanceof OutboxError && err.code === 'memory-too-short') {
        log.warn({ err }, 'retention: the inbox forgets too early, raise inbox.retention_hours');
      } else {
        log.warn({ err }, 'retention: failed, trying again');
      }
    },
  });
  try {
    await retention.start();
    return retention;
  } catch (err) {
    log.error({ err }, 'retention: nothing is dropped, raise inbox.retention_hours');
    return undefined;
  }
}

function ageMs(hours: number): number {
  return hours === 0 ? Infinity : hours * hourMs;
}
