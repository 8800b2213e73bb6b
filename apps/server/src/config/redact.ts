import { configSchema, type Config } from './schema.ts';
import { isTree, memberSchema, type SchemaNode } from './tree.ts';

/** A copy of the configuration that may be printed: secrets that are set become `***`. */
export function redactConfig(config: Config): unknown {
  return redact(configSchema as SchemaNode, config);
}

function redact(schema: SchemaNode, value: unknown): unknown {
  if (schema.secret === true) return value === '' || value === undefined ? value : '***';
  if (Array.isArray(value)) return value.map((item) => redact(schema.items ?? {}, item));
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, redact(memberSchema(schema, key) ?? {}, member)]),
  );
}
