import { enqueue, Inbox, type ReceivedMessage, Relay } from '@dt/outbox';
import { RecordingBroker } from '@dt/outbox/testing';
import { eventually } from '@dt/testkit';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BacklogWatch, MessagingMetrics, outboxHealth } from '../../src/messaging/index.ts';
import { openTable, type Table } from '../game/table.ts';

let table: Table;
beforeAll(async () => {
  table = await openTable();
});
afterAll(() => table.close());

const message = (messageKey: string) => ({ topic: 't', messageKey, shardingKey: messageKey, payload: {} });

describe('metrics of messaging', () => {
  it('tell what was sent and applied, what waits, and who sends', async () => {
    const { database } = table;
    const registry = new Registry();
    const watch = new BacklogWatch(database, () => undefined);
    const metrics = new MessagingMetrics({ registry, consumerGroup: 'g', backlog: () => watch.read() });
    const broker = new RecordingBroker();
    broker.decide = ({ messageKey }) =>
      messageKey === 'bad' ? 'rejected' : messageKey === 'stuck' ? 'retry' : 'sent';
    await database.transaction((tx) => enqueue(tx, ['good', 'bad', 'stuck'].map(message)));
    const relay = new Relay({
      database,
      publisher: broker.publisher(),
      instanceId: 'one',
      onBatch: (batch) => metrics.sent(batch),
      onError: (_error, during) => metrics.relayFailed(during),
    });
    const inbox = new Inbox({
      database,
      consumerGroup: 'g',
      handlers: { good: async () => undefined, bad: () => Promise.reject(new Error('no')) },
      onBatch: (batch) => metrics.received(batch),
      onError: () => metrics.handlerFailed(),
    });
    await relay.start();
    await eventually(
      () => relay.stats().sent === 1 && relay.stats().rejected === 1 && relay.stats().retried > 0,
    );
    const of = (tag: string, messageKey: string): ReceivedMessage => ({
      topic: 't',
      tag,
      messageKey,
      body: '{}',
      sentAtMs: Date.now(),
    });
    await inbox.receive([of('good', 'a'), of('bad', 'b'), of('good', 'a')]);
    metrics.dropped({ box: 'outbox', dropped: 3, batches: 1, durationMs: 1 });
    await relay.close();

    const text = await registry.metrics();
    for (const line of [
      'outbox_sent_total 1',
      'outbox_rejected_total 1',
      'outbox_pending_messages 1',
      'outbox_retrying_messages 1',
      'outbox_dead_messages 1',
      'outbox_free_lanes 64',
      'inbox_received_total 3',
      'inbox_applied_total 1',
      'inbox_duplicates_total 1',
      'inbox_deferred_total 1',
      'inbox_failures_total 1',
      'inbox_pending_messages{group="g"} 1',
      'inbox_dead_messages{group="g"} 0',
      'inbox_batch_duration_ms_count 1',
      'inbox_sent_to_applied_ms_count 1',
      'outbox_commit_to_sent_ms_count 1',
      'retention_dropped_total{box="outbox"} 3',
      'retention_dropped_total{box="inbox"} 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    expect(Number(/^outbox_oldest_pending_ms (\S+)$/m.exec(text)?.[1])).toBeGreaterThan(0);
    await inbox.close();
  });

  it('leave out what cannot be read, and come back', async () => {
    const registry = new Registry();
    let away = true;
    const failures: unknown[] = [];
    const database = {
      query: table.database.query.bind(table.database),
      transaction: <T>(work: Parameters<typeof table.database.transaction<T>>[0]): Promise<T> =>
        away ? Promise.reject(new Error('away')) : table.database.transaction(work),
    };
    const watch = new BacklogWatch(database, (error) => failures.push(error));
    new MessagingMetrics({ registry, consumerGroup: 'g', backlog: () => watch.read() });
    const samples = async (): Promise<string[]> =>
      (await registry.metrics())
        .split('\n')
        .filter((line) => /^(outbox|inbox)_(pending|dead)_messages/.test(line));
    expect(await samples()).toEqual([]);
    // One look, however many gauges wait for it.
    expect(failures).toHaveLength(1);
    away = false;
    expect(await samples()).toHaveLength(4);
  });
});

describe('a watch of what waits', () => {
  it('looks once for all who ask within some seconds', async () => {
    let looks = 0;
    const database = {
      query: table.database.query.bind(table.database),
      transaction: <T>(work: Parameters<typeof table.database.transaction<T>>[0]): Promise<T> => {
        looks += 1;
        return table.database.transaction(work);
      },
    };
    const watch = new BacklogWatch(database, () => undefined);
    await Promise.all([watch.read(), watch.read()]);
    await watch.read();
    expect(looks).toBe(1);
  });
});

describe('health of the outbox', () => {
  const waiting = { exact: true, retrying: 0, dead: 0, sentLastMinute: 0, freeLanes: 0 };

  it('is bad from the limit on, and says how long the oldest waits', () => {
    const outbox = { ...waiting, pending: 120, oldestMs: 412_345 };
    expect(outboxHealth({ outbox }, 300)).toEqual({
      healthy: false,
      text: '120 messages wait, the oldest for 412 s; allowed are 300 s',
    });
    expect(outboxHealth({ outbox: { ...outbox, exact: false } }, 500)).toEqual({
      healthy: true,
      text: 'ok: about 120 messages wait, the oldest for 412 s',
    });
    expect(outboxHealth({ outbox }, 0).healthy).toBe(true);
    expect(outboxHealth({ outbox: { ...waiting, pending: 0, oldestMs: 0 } }, 1).text).toBe(
      'ok: no message waits',
    );
  });
});
