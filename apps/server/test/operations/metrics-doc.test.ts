import { readFileSync } from 'node:fs';
import { readBacklog } from '@dt/outbox';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { MessagingMetrics } from '../../src/messaging/index.ts';
import { configMetrics } from '../../src/operations/config-metrics.ts';
import { openTable } from '../game/table.ts';
import { openDoor } from '../http/door.ts';

it('the reference of metrics has every metric with its kind and labels, and no other', async () => {
  const table = await openTable();
  const registry = new Registry();
  configMetrics(registry);
  new MessagingMetrics({ registry, consumerGroup: 'g', backlog: () => readBacklog(table.database) });
  const door = await openDoor({}, { registry }, table);
  try {
    const { text } = await door.call('GET', '/metrics');
    const shown = [...text.matchAll(/^# TYPE (?<name>\S+) (?<kind>\S+)$/gm)].map(
      ({ groups }) => `${groups?.['name']} ${groups?.['kind']}`,
    );
    const withLabels = shown.map((line) => {
      const name = line.split(' ')[0] ?? '';
      const { labelNames = [] } = registry.getSingleMetric(name) as unknown as { labelNames?: string[] };
      return [line, ...labelNames.filter((label) => label !== 'le')].join(' ');
    });
    const page = readFileSync('docs/reference/metrics.md', 'utf8');
    const documented = [...page.matchAll(/^\| `(?<name>\w+)` \| (?<kind>\w+) \| (?<labels>[^|]*)\|/gm)].map(
      ({ groups }) =>
        [groups?.['name'], groups?.['kind'], ...(groups?.['labels']?.match(/\w+/g) ?? [])].join(' '),
    );
    expect(documented.sort()).toEqual(withLabels.sort());
  } finally {
    await door.close();
    await table.close();
  }
});
