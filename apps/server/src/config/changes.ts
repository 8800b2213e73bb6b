import { isDeepStrictEqual } from 'node:util';
import { configSchema, type Config } from './schema.ts';
import { isTree, memberSchema, type SchemaNode } from './tree.ts';

/** What differs between two configurations, by dotted paths; lists differ as a whole. */
export interface ConfigChanges {
  /** A running server takes these. */
  readonly live: readonly string[];
  /** These need a restart. */
  readonly fixed: readonly string[];
}

export function compareConfigs(before: Config, after: Config): ConfigChanges {
  const live: string[] = [];
  const fixed: string[] = [];
  const compare = (schema: SchemaNode, one: unknown, other: unknown, path: string, isLive: boolean): void => {
    if (isDeepStrictEqual(one, other)) return;
    if (isTree(one) && isTree(other)) {
      for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
        const member = memberSchema(schema, key) ?? {};
        const below = path === '' ? key : `${path}.${key}`;
        compare(member, one[key], other[key], below, isLive || member.live === true);
      }
      return;
    }
    (isLive ? live : fixed).push(path);
  };
  compare(configSchema as SchemaNode, before, after, '', false);
  return { live: live.sort(), fixed: fixed.sort() };
}
