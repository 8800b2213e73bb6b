/** A document of settings before it is checked. */
export type Tree = Record<string, unknown>;

/** The part of JSON Schema that the settings use. */
export interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly default?: unknown;
  readonly allowed?: string;
  readonly secret?: boolean;
  readonly live?: boolean;
  readonly description?: string;
  readonly required?: readonly string[] | undefined;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema of a member; undefined when the object has no such setting. */
export function memberSchema(schema: SchemaNode, key: string): SchemaNode | undefined {
  if (key === '__proto__') return undefined;
  const items = schema.items ?? schema.anyOf?.find((one) => one.items !== undefined)?.items;
  if (items !== undefined) return /^[0-9]+$/.test(key) ? items : undefined;
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  return Object.values(schema.patternProperties ?? {})[0];
}

/** The schema at a dotted path; undefined for a path that names no setting. */
export function schemaAt(root: SchemaNode, path: readonly string[]): SchemaNode | undefined {
  let schema: SchemaNode | undefined = root;
  for (const key of path) schema = schema === undefined ? undefined : memberSchema(schema, key);
  return schema;
}

/** Whether the values below may hold something that is never printed. */
export function holdsSecret(schema: SchemaNode): boolean {
  return (
    schema.secret === true ||
    [...Object.values(schema.properties ?? {}), ...Object.values(schema.patternProperties ?? {})].some(
      holdsSecret,
    ) ||
    (schema.items !== undefined && holdsSecret(schema.items))
  );
}

/** A tree with one value at a path: `['a', 'b'], 1` is `{a: {b: 1}}`. */
export function treeOf(path: readonly string[], value: unknown): Tree {
  const [first = '', ...rest] = path;
  return { [first]: rest.length === 0 ? value : treeOf(rest, value) };
}

/** Lays `upper` over `base`, in place: objects are merged, everything else, lists included, replaces. */
export function mergeInto(
  base: Tree,
  upper: Tree,
  onSet: (path: readonly string[], isBlock: boolean) => void,
  path: readonly string[] = [],
): void {
  for (const [key, value] of Object.entries(upper)) {
    const here = [...path, key];
    const below = base[key];
    if (isTree(value) && (below === undefined || isTree(below))) {
      const target = below ?? {};
      base[key] = target;
      onSet(here, true);
      mergeInto(target, value, onSet, here);
    } else {
      base[key] = structuredClone(value);
      onSet(here, false);
    }
  }
}

/** Freezes all the way down. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
