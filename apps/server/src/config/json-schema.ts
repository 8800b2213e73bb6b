import { configSchema } from './schema.ts';
import { isTree, type Tree } from './tree.ts';

/** What only this program understands, or what an editor would take for something else. */
const ours: ReadonlySet<string> = new Set(['allowed', 'secret', 'live', 'format']);

/**
 * The configuration as JSON Schema, for editors: names, values and meanings while somebody types. A file says only what
 * differs, so whatever has a default may be left out.
 */
export function configJsonSchema(): Tree {
  const { properties, ...rest } = forEditors(configSchema) as Tree & { properties: Tree };
  const schema = { type: 'string', description: 'Where an editor finds this schema; not a setting' };
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Configuration of dt-server',
    ...rest,
    properties: { $schema: schema, ...properties },
  };
}

function forEditors(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(forEditors);
  if (!isTree(node)) return node;
  const result: Tree = {};
  for (const [key, value] of Object.entries(node)) {
    // Names of settings are no words of the schema.
    if (key === 'properties' && isTree(value)) {
      result[key] = Object.fromEntries(
        Object.entries(value).map(([name, member]) => [name, forEditors(member)]),
      );
    } else if (key === 'default' && isTree(value)) continue;
    else if (key === 'required' && Array.isArray(value)) {
      const members = isTree(node['properties']) ? node['properties'] : {};
      const needed = value.map(String).filter((name) => !hasDefault(members[name]));
      if (needed.length > 0) result[key] = needed;
    } else if (!ours.has(key)) result[key] = forEditors(value);
  }
  if (isTree(node['properties'])) result['additionalProperties'] = false;
  if (typeof node['description'] === 'string' && typeof node['allowed'] === 'string')
    result['description'] = `${node['description']}. Allowed: ${node['allowed']}`;
  return result;
}

function hasDefault(schema: unknown): boolean {
  return isTree(schema) && schema['default'] !== undefined;
}
