import { Ajv, type ErrorObject } from 'ajv';
import { formats } from './formats.ts';
import type { ConfigFault } from './errors.ts';
import { configSchema, type Config } from './schema.ts';
import { holdsSecret, schemaAt, type SchemaNode, type Tree } from './tree.ts';

const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true, allowUnionTypes: true });
ajv.addVocabulary(['allowed', 'secret', 'live']);
for (const [name, { check }] of Object.entries(formats))
  ajv.addFormat(name, { type: 'string', validate: check });
const validate = ajv.compile<Config>(configSchema);

/**
 * Fills the defaults in, in place, and checks every value.
 *
 * @param sourceOf where the value at a dotted path came from
 * @returns what is wrong, one entry a setting; empty when `settings` is a Config now
 */
export function checkSettings(settings: Tree, sourceOf: (path: string) => string): ConfigFault[] {
  if (validate(settings)) return [];
  const faults = new Map<string, ConfigFault>();
  for (const error of validate.errors ?? []) {
    const fault = describe(error, sourceOf);
    // One value may break several rules; it is one fault.
    if (!faults.has(fault.path)) faults.set(fault.path, fault);
  }
  // A wrong list entry is reported at the entry, not again at the list around it.
  return [...faults.values()].filter(
    ({ path }) => ![...faults.keys()].some((other) => other.startsWith(`${path}.`)),
  );
}

function describe(error: ErrorObject, sourceOf: (path: string) => string): ConfigFault {
  const keys = error.instancePath.split('/').slice(1).map(unescapePointer);
  const missing = error.keyword === 'required';
  if (missing) keys.push((error.params as { missingProperty: string }).missingProperty);
  const path = keys.join('.');
  const schema = schemaAt(configSchema as SchemaNode, keys) ?? {};
  const is = missing ? 'is missing' : `is ${shown(schema, error.data)}`;
  return { path, message: `${sourceOf(path)}: ${path} ${is}; allowed: ${allowed(schema)}` };
}

function unescapePointer(key: string): string {
  return key.replaceAll('~1', '/').replaceAll('~0', '~');
}

function allowed(schema: SchemaNode): string {
  return schema.allowed ?? (schema.type === 'object' ? 'an object' : (schema.type ?? 'see the reference'));
}

/** A value for a message. What may hold a secret is only named by its kind. */
function shown(schema: SchemaNode, value: unknown): string {
  if (holdsSecret(schema)) return value === '' ? 'empty' : `*** (${kindOf(value)}, not shown)`;
  const json = JSON.stringify(value);
  return json.length > 80 ? `${json.slice(0, 77)}...` : json;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value === 'string' ? 'text' : typeof value}`;
}
