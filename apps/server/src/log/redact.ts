/** Endings of names under which secrets travel: `secret_key`, `appSecret`, `adminToken`, `NACOS_PASSWORD`. */
const secretName = /(secret|password|passwd|token|authorization|signature|cookie|credentials?)(_?key)?$/i;
/** A password in an address: `postgres://user:password@host`. */
const passwordInUrl = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/?#@]*):[^\s/?#@]+@/gi;
const maxDepth = 8;

/** A copy of what a record says, without secrets: by name at any depth, and passwords inside of addresses. */
export function redact(fields: Record<string, unknown>): Record<string, unknown> {
  return redactMembers(fields, 0);
}

/** A text without the passwords of the addresses in it. */
export function redactText(text: string): string {
  return text.includes('://') ? text.replace(passwordInUrl, '$1:***@') : text;
}

function redactMembers(object: object, depth: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [name, redactValue(name, value, depth)]),
  );
}

function redactValue(name: string, value: unknown, depth: number): unknown {
  if (value === undefined || value === null || value === '') return value;
  if (secretName.test(name) && typeof value !== 'boolean') return '***';
  if (typeof value === 'string') return redactText(value);
  // Errors have a serializer of their own; what turns itself into JSON knows what it shows.
  if (typeof value !== 'object' || value instanceof Error || 'toJSON' in value) return value;
  // Also the end of what refers to itself. Not shown rather than shown unseen.
  if (depth === maxDepth) return '…';
  if (Array.isArray(value)) return value.map((item) => redactValue('', item, depth + 1));
  return redactMembers(value, depth + 1);
}
