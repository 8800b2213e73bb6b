import type { Backlog, InboxBatch, RelayBatch, RetentionRun } from '@dt/outbox';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface MessagingMetricsOptions {
  readonly registry: Registry;
  readonly consumerGroup: string;
  /** Asked by each scrape. */
  readonly backlog: () => Promise<Backlog>;
}

const inboxCounts = ['received', 'applied', 'duplicates', 'deferred', 'dead', 'unknown'] as const;
const bucketsMs = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 15_000, 60_000, 300_000];

/** The figures of outbox and inbox; each is explained in docs/reference/metrics.md. */
export class MessagingMetrics {
  readonly #outbox: Record<'sent' | 'retried' | 'rejected', Counter>;
  readonly #outboxErrors: Counter<'during'>;
  readonly #sendMs: Histogram;
  readonly #markMs: Histogram;
  readonly #commitToSentMs: Histogram;
  readonly #inbox: Record<(typeof inboxCounts)[number], Counter>;
  readonly #inboxFailures: Counter;
  readonly #batchMs: Histogram;
  readonly #sentToAppliedMs: Histogram;
  readonly #dropped: Counter<'box'>;

  constructor({ registry, consumerGroup, backlog }: MessagingMetricsOptions) {
    const registers = [registry];
    const counter = <L extends string = never>(
      name: string,
      help: string,
      labelNames: L[] = [],
    ): Counter<L> => new Counter({ name, help, labelNames, registers });
    const histogram = (name: string, help: string): Histogram =>
      new Histogram({ name, help, buckets: bucketsMs, registers });

    this.#outbox = {
      sent: counter('outbox_sent_total', 'Messages sent by this instance'),
      retried: counter('outbox_retried_total', 'Attempts to send that are made again'),
      rejected: counter('outbox_rejected_total', 'Messages that the broker refused for good'),
    };
    this.#outboxErrors = counter('outbox_errors_total', 'What the relay met and tries again', ['during']);
    this.#sendMs = histogram('outbox_send_duration_ms', 'Time of a batch with the broker');
    this.#markMs = histogram('outbox_mark_duration_ms', 'Time to write down what became of a batch');
    this.#commitToSentMs = histogram(
      'outbox_commit_to_sent_ms',
      'Age of the oldest message of a batch when it was sent and marked',
    );
    this.#inbox = {
      received: counter('inbox_received_total', 'Messages received by this instance'),
      applied: counter('inbox_applied_total', 'Messages applied at their first attempt'),
      duplicates: counter('inbox_duplicates_total', 'Messages seen before'),
      deferred: counter('inbox_deferred_total', 'Messages stored to be applied later'),
      dead: counter('inbox_dead_total', 'Messages stored as dead when they came'),
      unknown: counter('inbox_unknown_total', 'Messages whose tag has no handler'),
    };
    this.#inboxFailures = counter('inbox_failures_total', 'Attempts of a handler that failed');
    this.#batchMs = histogram('inbox_batch_duration_ms', 'Time of a batch from its arrival to its commit');
    this.#sentToAppliedMs = histogram(
      'inbox_sent_to_applied_ms',
      'Age of the oldest message of a batch since it was sent, when its effect was committed',
    );
    this.#dropped = counter('retention_dropped_total', 'Rows dropped by this instance', ['box']);
    for (const box of ['outbox', 'inbox']) this.#dropped.inc({ box }, 0);

    const gauge = <L extends string = never>(
      name: string,
      help: string,
      labelNames: L[],
      show: (gauge: Gauge<L>, backlog: Backlog) => void,
    ): void => {
      new Gauge({
        name,
        help,
        labelNames,
        registers,
        async collect() {
          const seen = await backlog().catch(() => undefined);
          this.reset();
          if (seen !== undefined) show(this, seen);
          // What cannot be read is left out: a number of before would look like news.
          else if (labelNames.length === 0) this.remove();
        },
      });
    };
    const ofOutbox = (name: string, help: string, value: (outbox: Backlog['outbox']) => number): void =>
      gauge(name, help, [], (one, { outbox }) => one.set(value(outbox)));
    const ofInbox = (name: string, help: string, value: (group: Backlog['inbox'][number]) => number): void =>
      gauge(name, help, ['group'], (one, { inbox }) => {
        one.set({ group: consumerGroup }, 0);
        for (const group of inbox) one.set({ group: group.consumerGroup }, value(group));
      });
    ofOutbox('outbox_pending_messages', 'Messages to be sent', ({ pending }) => pending);
    ofOutbox('outbox_oldest_pending_ms', 'Age of the oldest message to be sent', ({ oldestMs }) => oldestMs);
    ofOutbox('outbox_retrying_messages', 'Messages to be sent again', ({ retrying }) => retrying);
    ofOutbox('outbox_dead_messages', 'Dead messages of the outbox', ({ dead }) => dead);
    ofOutbox('outbox_free_lanes', 'Lanes that no running relay owns', ({ freeLanes }) => freeLanes);
    gauge('outbox_lanes', 'Lanes by the instance that owns them', ['instance'], (one, { relays }) => {
      for (const { instance, lanes } of relays) one.inc({ instance }, lanes);
    });
    ofInbox('inbox_pending_messages', 'Messages to be applied', ({ pending }) => pending);
    ofInbox('inbox_oldest_pending_ms', 'Age of the oldest message to be applied', ({ oldestMs }) => oldestMs);
    ofInbox('inbox_dead_messages', 'Dead messages of the inbox', ({ dead }) => dead);
  }

  sent(batch: RelayBatch): void {
    this.#outbox.sent.inc(batch.sent);
    this.#outbox.retried.inc(batch.retried);
    this.#outbox.rejected.inc(batch.rejected);
    this.#sendMs.observe(batch.publishMs);
    this.#markMs.observe(batch.markMs);
    if (batch.sent > 0 && batch.oldestMs !== undefined) this.#commitToSentMs.observe(batch.oldestMs);
  }

  relayFailed(during: string): void {
    this.#outboxErrors.inc({ during });
  }

  received(batch: InboxBatch): void {
    for (const what of inboxCounts) this.#inbox[what].inc(batch[what]);
    this.#batchMs.observe(batch.durationMs);
    if (batch.applied > 0 && batch.oldestMs !== undefined) this.#sentToAppliedMs.observe(batch.oldestMs);
  }

  handlerFailed(): void {
    this.#inboxFailures.inc();
  }

  dropped({ box, dropped }: RetentionRun): void {
    this.#dropped.inc({ box }, dropped);
  }
}
