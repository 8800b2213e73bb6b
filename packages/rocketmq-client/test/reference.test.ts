import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Admin, ROCKETMQ_ERROR_CODES } from '@dt/rocketmq-client';

/** What stands in code in the first columns of the tables of a chapter. */
async function documented(title: string): Promise<string[]> {
  const page = await readFile(new URL('../../../docs/reference/rocketmq-client.md', import.meta.url), 'utf8');
  const chapter = page.split(/^## /m).find((part) => part.startsWith(title)) ?? '';
  const rows = chapter.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ''),
  );
}

/** The fields of an interface, as its source has them. */
async function fieldsOf(file: string, name: string): Promise<string[]> {
  const source = await readFile(new URL(`../src/${file}`, import.meta.url), 'utf8');
  const body = new RegExp(`^export interface ${name} .*?^}`, 'ms').exec(source)?.[0] ?? '';
  return [...body.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1] ?? '');
}

function methodsOf(type: { prototype: object }): string[] {
  const names = new Set<string>();
  for (let part = type.prototype; part !== Object.prototype; part = Object.getPrototypeOf(part) as object)
    for (const name of Object.getOwnPropertyNames(part)) names.add(name);
  return [...names];
}

describe('the table of errors', () => {
  it('has every code, and none that does not exist', async () => {
    expect((await documented('Errors')).sort()).toEqual([...ROCKETMQ_ERROR_CODES].sort());
  });
});

describe('the tables of options', () => {
  it.each([
    ['options.ts', 'ClientOptions'],
    ['producer/options.ts', 'ProducerOptions'],
    ['producer/transaction-options.ts', 'TransactionProducerOptions'],
    ['consumer/options.ts', 'PushConsumerOptions'],
    ['consumer/pull-options.ts', 'PullConsumerOptions'],
    ['pop-consumer/options.ts', 'PopConsumerOptions'],
  ])('have every field of %s', async (file, name) => {
    const fields = await fieldsOf(file, name);
    expect(fields.length).toBeGreaterThan(0);
    const rows = [...(await documented('Options')), ...(await documented('Admin'))];
    expect(fields.filter((field) => !rows.includes(field))).toEqual([]);
  });
});

describe('the table of the admin client', () => {
  it('has every method', async () => {
    const rows = await documented('Admin');
    /** For the parts of the class. */
    const inner = ['constructor', 'invokeOptions', 'ofEveryMaster', 'brokersOf', 'masters', 'masterBrokers'];
    const life = ['start', 'close'];
    const methods = methodsOf(Admin).filter((name) => ![...inner, ...life].includes(name));
    expect(methods.filter((name) => !rows.some((row) => row.startsWith(`${name}(`)))).toEqual([]);
  });
});
