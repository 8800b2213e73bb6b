import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { format } from 'prettier';
import { describe, expect, it } from 'vitest';
import {
  configErrorCodes,
  configJsonSchema,
  configSchema,
  describeSettings,
  nacosErrorCodes,
  type SettingDescription,
} from '../../src/config/index.ts';

const page = (name: string): string => readFileSync(`docs/reference/${name}.md`, 'utf8');
const configFile = (name: string): string => readFileSync(`config/${name}.json`, 'utf8');

/** The tables of the page, a block each, between the marks that stand in it. */
function withTables(text: string): string {
  return text.replace(
    /(<!-- settings: (?<block>[a-z_]+) -->\n).*?(<!-- end of settings -->)/gs,
    (_, begin: string, block: string, end: string) => `${begin}\n${tableOf(block)}\n${end}`,
  );
}

function tableOf(block: string): string {
  const rows = describeSettings()
    .filter(({ path }) => path.startsWith(`${block}.`))
    .map((setting) => {
      const { path, allowed, live } = setting;
      const cells = [`\`${path}\``, shownDefault(setting), allowed, meaning(setting), live ? 'yes' : ''];
      return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`;
    });
  return `| Setting | Default | Allowed | Meaning | Live |\n|---|---|---|---|---|\n${rows.join('')}`;
}

function meaning({ meaning: text, secret }: SettingDescription): string {
  return secret ? `Secret. ${text}` : text;
}

function shownDefault({ path, byDefault, mustBeGiven }: SettingDescription): string {
  if (path.includes('.ROOM.')) return 'of `game.default`';
  if (byDefault === undefined) return mustBeGiven ? 'must be given' : 'none';
  if (Array.isArray(byDefault)) return byDefault.length === 0 ? 'empty list' : byDefault.join(', ');
  if (byDefault === '') return 'empty';
  if (typeof byDefault === 'object') return 'none';
  return `\`${typeof byDefault === 'string' ? byDefault : JSON.stringify(byDefault)}\``;
}

// After a change of the schema: npm run docs:config
describe('what is made from the schema', () => {
  it('the tables of the reference are those of the schema', async () => {
    await expect(withTables(page('configuration'))).toMatchFileSnapshot(
      '../../../../docs/reference/configuration.md',
    );
  });

  it('the reference has a table for every block, and no other', () => {
    const blocks = [...page('configuration').matchAll(/<!-- settings: ([a-z_]+) -->/g)].map(
      (match) => match[1],
    );
    expect(blocks.sort()).toEqual(Object.keys(configSchema.properties).sort());
  });

  it('every setting says what it is for', () => {
    const silent = describeSettings().filter(
      (setting) => setting.meaning === '' || /\.$/.test(setting.meaning),
    );
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  it('the JSON Schema for editors is the one of the schema', async () => {
    const text = await format(JSON.stringify(configJsonSchema()), { parser: 'json', printWidth: 110 });
    await expect(text).toMatchFileSnapshot('../../../../config/schema.json');
  });
});

describe('the JSON Schema for editors', () => {
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(configJsonSchema());

  it.each(['dev', 'docker', 'windows'])('is named by config/%s.json, and takes it', (name) => {
    const document = JSON.parse(configFile(name)) as { $schema?: string };
    expect(document.$schema).toBe('./schema.json');
    validate(document);
    expect(validate.errors).toBeNull();
  });

  it.each([
    [{ server: { prot: 1 } }, '/server'],
    [{ server: { port: 70_000 } }, '/server/port'],
    [{ auth: { platforms: [{ platform_id: 1, app_key: 'k' }] } }, '/auth/platforms/0'],
    [{ game: { tables: { vip: { paytable: 'lucky' } } } }, '/game/tables/vip/paytable'],
  ])('finds what is wrong: %j', (document, where) => {
    expect(validate(document)).toBe(false);
    expect(validate.errors?.[0]?.instancePath).toBe(where);
  });
});

it.each([
  ['Configuration', configErrorCodes],
  ['Nacos', nacosErrorCodes],
])('the reference of errors has every code of its chapter %s, and no other', (chapter, codes) => {
  const section =
    new RegExp(`^## ${chapter}$(?<text>.*?)^## `, 'ms').exec(page('errors'))?.groups?.['text'] ?? '';
  const documented = [...section.matchAll(/^\| `(?<code>[a-z-]+)` \|/gm)].map(
    ({ groups }) => groups?.['code'],
  );
  expect(documented.sort()).toEqual([...codes].sort());
});
