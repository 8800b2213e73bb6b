import { variableOfPath } from './environment.ts';
import { configSchema } from './schema.ts';
import { memberSchema, type SchemaNode } from './tree.ts';

/** One setting, as the schema tells of it. */
export interface SettingDescription {
  /** Dotted; `N` stands for the number in a list, `ROOM` for a room id. */
  readonly path: string;
  readonly type: string;
  /** Absent: it must be given, or nothing holds without it. */
  readonly byDefault?: unknown;
  readonly mustBeGiven: boolean;
  readonly allowed: string;
  readonly meaning: string;
  readonly secret: boolean;
  /** Whether a running server takes a change. */
  readonly live: boolean;
  /** The variable that sets it; absent for what is inside a list or has a name of its own. */
  readonly variable?: string;
}

/** Every setting there is, in the order of the schema. */
export function describeSettings(): SettingDescription[] {
  return [...walk(configSchema as SchemaNode, { path: [], live: false, inner: false, required: false })];
}

/** The path under which a setting is described: `game.tables.vip.max_bet` is `game.tables.ROOM.max_bet`. */
export function describedPath(path: string): string {
  let schema: SchemaNode | undefined = configSchema as SchemaNode;
  const names = path.split('.').map((key) => {
    const name = schema?.items !== undefined ? 'N' : recordOf(schema) !== undefined ? 'ROOM' : key;
    schema = schema === undefined ? undefined : memberSchema(schema, key);
    return name;
  });
  return names.join('.');
}

interface Place {
  readonly path: readonly string[];
  readonly live: boolean;
  /** Inside a list or a record: no variable names it. */
  readonly inner: boolean;
  readonly required: boolean;
}

function* walk(schema: SchemaNode, place: Place): Generator<SettingDescription> {
  const live = place.live || schema.live === true;
  const { path, inner } = place;
  const { properties } = schema;
  if (properties === undefined) yield describe(schema, { ...place, live });
  for (const [key, member] of Object.entries(properties ?? {})) {
    const required = schema.required?.includes(key) === true;
    yield* walk(member, { path: [...path, key], live, inner, required });
  }
  const record = recordOf(schema);
  if (record !== undefined)
    yield* walk(record, { path: [...path, 'ROOM'], live, inner: true, required: false });
  if (schema.items?.properties !== undefined)
    yield* walk(schema.items, { path: [...path, 'N'], live, inner: true, required: false });
}

function describe(schema: SchemaNode, { path, live, inner, required }: Place): SettingDescription {
  const name = path.join('.');
  const variable = inner ? undefined : variableOfPath(name);
  return {
    path: name,
    type: typeOf(schema),
    mustBeGiven: schema.default === undefined && required,
    allowed: schema.allowed ?? 'an object',
    meaning: schema.description ?? '',
    secret: schema.secret === true,
    live,
    ...(schema.default !== undefined && { byDefault: schema.default }),
    ...(variable !== undefined && { variable }),
  };
}

function recordOf(schema: SchemaNode | undefined): SchemaNode | undefined {
  return Object.values(schema?.patternProperties ?? {})[0];
}

function typeOf({ type, anyOf }: SchemaNode): string {
  const types = anyOf?.map(typeOf) ?? [type ?? 'object'];
  const words: Record<string, string> = { string: 'text', integer: 'whole number', array: 'list' };
  return types.map((one) => words[one] ?? one).join(' or ');
}
