import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { configErrorCodes, configSchema } from '../../src/config/index.ts';
import type { SchemaNode } from '../../src/config/tree.ts';

const page = (name: string): string => readFileSync(`docs/reference/${name}.md`, 'utf8');

interface Setting {
  readonly path: string;
  /** As the page writes it; undefined where the page may say it in words. */
  readonly byDefault: string | undefined;
}

function settingsOf(schema: SchemaNode, path = ''): Setting[] {
  const below = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const nested = schema.items?.properties === undefined ? undefined : schema.items;
  const ofRecord = Object.values(schema.patternProperties ?? {})[0];
  return [
    ...(path === '' || schema.properties !== undefined
      ? []
      : [{ path, byDefault: shownDefault(schema, path) }]),
    ...Object.entries(schema.properties ?? {}).flatMap(([key, member]) => settingsOf(member, below(key))),
    ...(nested === undefined ? [] : settingsOf(nested, below('N'))),
    ...(ofRecord === undefined ? [] : settingsOf(ofRecord, below('ROOM'))),
  ];
}

function shownDefault({ default: value }: SchemaNode, path: string): string | undefined {
  if (path.includes('.ROOM.') || path === 'game.tables' || (Array.isArray(value) && value.length > 0))
    return undefined;
  if (Array.isArray(value)) return 'empty list';
  if (value === undefined) return path === 'database.url' ? 'none' : 'must be given';
  return value === '' ? 'empty' : typeof value === 'string' ? value : JSON.stringify(value);
}

describe('the reference of the configuration', () => {
  const rows = [
    ...page('configuration').matchAll(/^\| `(?<path>[a-z_]+\.[A-Za-z_.]+)` \| (?<byDefault>[^|]*) \|/gm),
  ].map(({ groups }) => ({
    path: groups?.['path'] ?? '',
    byDefault: groups?.['byDefault']?.replaceAll('`', '') ?? '',
  }));
  const settings = settingsOf(configSchema as SchemaNode);

  it('has a row for every setting, and no other', () => {
    expect(rows.map(({ path }) => path).sort()).toEqual(settings.map(({ path }) => path).sort());
  });

  it('tells the defaults that hold', () => {
    const documented = new Map(rows.map(({ path, byDefault }) => [path, byDefault]));
    const known = settings.filter(({ byDefault }) => byDefault !== undefined);
    expect(known.map(({ path }) => [path, documented.get(path)])).toEqual(
      known.map(({ path, byDefault }) => [path, byDefault]),
    );
  });
});

it('the reference of errors has every code of a wrong configuration, and no other', () => {
  const section = /^## Configuration$(?<text>.*?)^## /ms.exec(page('errors'))?.groups?.['text'] ?? '';
  const documented = [...section.matchAll(/^\| `(?<code>[a-z-]+)` \|/gm)].map(
    ({ groups }) => groups?.['code'],
  );
  expect(documented.sort()).toEqual([...configErrorCodes].sort());
});
