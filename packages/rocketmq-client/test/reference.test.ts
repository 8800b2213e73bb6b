import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ROCKETMQ_ERROR_CODES } from '@dt/rocketmq-client';
import { asyncMethods, PUBLIC_CLASSES, type PublicClass } from './support/public-calls.ts';

const page = await readFile(new URL('../../../docs/reference/rocketmq-client.md', import.meta.url), 'utf8');

/** The part of the page under a heading. */
function partOf(heading: string): string {
  return page.split(/^#{2,3} /m).find((part) => part.startsWith(heading + '\n')) ?? '';
}

/** Names in the first column of the table of a part. */
function namesIn(part: string): string[] {
  const rows = part.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );
}

/** Fields of an interface, with the default its comment tells. */
async function fieldsOf(file: string, name: string): Promise<Map<string, string | undefined>> {
  const source = await readFile(new URL(`../src/${file}`, import.meta.url), 'utf8');
  const body = new RegExp(`^export interface ${name} .*?\\{\\n(.*?)^\\}`, 'ms').exec(source)?.[1] ?? '';
  const fields = new Map<string, string | undefined>();
  let comment = '';
  for (const line of body.split('\n')) {
    const field = /^ {2}(\w+)\??:/.exec(line)?.[1];
    if (field === undefined) comment += line;
    else {
      fields.set(field, /@default (\d+)\b/.exec(comment)?.[1]);
      comment = '';
    }
  }
  return fields;
}

describe('the table of errors', () => {
  it('has every code, and none that does not exist', () => {
    expect(namesIn(partOf('Errors')).sort()).toEqual([...ROCKETMQ_ERROR_CODES].sort());
  });
});

describe.each([
  ['All classes', 'options.ts', 'ClientOptions'],
  ['Producer', 'producer/options.ts', 'ProducerOptions'],
  ['TransactionProducer', 'producer/transaction-options.ts', 'TransactionProducerOptions'],
  ['PushConsumer', 'consumer/options.ts', 'PushConsumerOptions'],
  ['PullConsumer', 'consumer/pull-options.ts', 'PullConsumerOptions'],
  ['PopConsumer', 'pop-consumer/options.ts', 'PopConsumerOptions'],
])('the table of options under %s', (heading, file, name) => {
  it('has every option with its default, and none that does not exist', async () => {
    const fields = await fieldsOf(file, name);
    const part = partOf(heading);
    expect(fields.size).toBeGreaterThan(0);
    const documented = namesIn(part).filter((option) => !option.includes('.') && !option.includes('['));
    expect(documented.sort()).toEqual([...fields.keys()].sort());
    for (const [field, value] of fields) {
      if (value === undefined) continue;
      const row =
        part.split('\n').find((line) => line.startsWith('| `') && namesIn(line).includes(field)) ?? '';
      const shown = (row.split('|')[2] ?? '').replace(/(\d+) MiB/g, (_, mebibytes) =>
        String(mebibytes * 1_048_576),
      );
      expect(shown, field).toContain(value);
    }
  });
});

describe('the table of the admin client', () => {
  it('has every method', () => {
    const rows = namesIn(partOf('Admin'));
    const methods = asyncMethods(PUBLIC_CLASSES['Admin'] as PublicClass);
    expect(methods.length).toBeGreaterThan(0);
    expect(methods.filter((name) => !rows.some((row) => row.startsWith(`${name}(`)))).toEqual([]);
  });
});
