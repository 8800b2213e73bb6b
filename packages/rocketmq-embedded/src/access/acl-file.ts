import { retryTopic } from '@dt/rocketmq-protocol';
import { parse } from 'yaml';
import type { AccessRules, Account } from './access-rules.ts';
import type { Permission } from './needed-permissions.ts';
import { addressPattern, type AddressPattern } from './remote-address.ts';

/** Real brokers refuse shorter ones. */
const MIN_KEY_LENGTH = 7;

const FIELDS = new Set(['globalWhiteRemoteAddresses', 'accounts', 'dataVersion']);
const ACCOUNT_FIELDS = new Set([
  'accessKey',
  'secretKey',
  'whiteRemoteAddress',
  'admin',
  'defaultTopicPerm',
  'defaultGroupPerm',
  'topicPerms',
  'groupPerms',
]);

const NOTHING: ReadonlySet<Permission> = new Set();
const PERMISSIONS: Readonly<Record<string, ReadonlySet<Permission>>> = {
  PUB: new Set(['PUB']),
  SUB: new Set(['SUB']),
  'PUB|SUB': new Set(['PUB', 'SUB']),
  'SUB|PUB': new Set(['PUB', 'SUB']),
};

/**
 * Reads rules in the format of RocketMQ's plain_acl.yml. `before`: what the file held until now.
 *
 * @throws Error that names the field; never with a secret in its text
 */
export function parseAccessRules(text: string, before?: AccessRules): AccessRules {
  // Without types: a secret of digits is a text, too.
  const document: unknown = parse(text, { schema: 'failsafe', logLevel: 'error' });
  const root = mapping(document, 'the file', FIELDS);
  const accounts = new Map<string, Account>();
  for (const [i, entry] of list(root['accounts'], 'accounts').entries()) {
    const account = accountOf(entry, `accounts[${i}]`);
    if (accounts.has(account.accessKey))
      throw new Error(`accounts[${i}].accessKey: ${account.accessKey} is there twice`);
    accounts.set(account.accessKey, account);
  }
  const whites = list(root['globalWhiteRemoteAddresses'], 'globalWhiteRemoteAddresses');
  return {
    whiteAddresses: whites.map((entry, i) => address(entry, `globalWhiteRemoteAddresses[${i}]`)),
    accounts,
    formerKeys: new Set([...(before?.formerKeys ?? []), ...(before?.accounts.keys() ?? [])]),
  };
}

function accountOf(value: unknown, where: string): Account {
  const entry = mapping(value, where, ACCOUNT_FIELDS);
  const white = scalar(entry['whiteRemoteAddress'], `${where}.whiteRemoteAddress`);
  const permissions = new Map<string, ReadonlySet<Permission>>();
  for (const [topic, granted] of grants(entry['topicPerms'], `${where}.topicPerms`))
    permissions.set(topic, granted);
  for (const [group, granted] of grants(entry['groupPerms'], `${where}.groupPerms`))
    permissions.set(retryTopic(group), granted);
  return {
    accessKey: key(entry['accessKey'], `${where}.accessKey`),
    secretKey: key(entry['secretKey'], `${where}.secretKey`),
    whiteAddress: white === '' ? undefined : address(white, `${where}.whiteRemoteAddress`),
    admin: truth(entry['admin'], `${where}.admin`),
    defaultTopicPermissions: permissionsOf(scalar(entry['defaultTopicPerm'], `${where}.defaultTopicPerm`)),
    defaultGroupPermissions: permissionsOf(scalar(entry['defaultGroupPerm'], `${where}.defaultGroupPerm`)),
    permissions,
  };
}

/** `name=PERMISSION` each. */
function* grants(value: unknown, where: string): Iterable<[string, ReadonlySet<Permission>]> {
  for (const [i, entry] of list(value, where).entries()) {
    const [name = '', words, ...more] = scalar(entry, `${where}[${i}]`).split('=');
    if (name.trim() === '' || words === undefined || more.length > 0)
      throw new Error(`${where}[${i}]: expected NAME=DENY, PUB, SUB or PUB|SUB`);
    yield [name.trim(), permissionsOf(words)];
  }
}

/** As a real broker reads them: a word it does not know grants nothing. */
function permissionsOf(words: string): ReadonlySet<Permission> {
  const known = words.trim();
  return (Object.hasOwn(PERMISSIONS, known) ? PERMISSIONS[known] : undefined) ?? NOTHING;
}

function address(value: unknown, where: string): AddressPattern {
  try {
    return addressPattern(scalar(value, where));
  } catch (error) {
    throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function key(value: unknown, where: string): string {
  const text = scalar(value, where);
  if (text.length >= MIN_KEY_LENGTH) return text;
  throw new Error(`${where}: expected at least ${MIN_KEY_LENGTH} characters`);
}

function truth(value: unknown, where: string): boolean {
  const text = scalar(value, where).toLowerCase();
  if (text === '' || text === 'false') return false;
  if (text === 'true') return true;
  throw new Error(`${where}: expected true or false`);
}

/** Absent reads as empty. */
function scalar(value: unknown, where: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  throw new Error(`${where}: expected one text`);
}

function list(value: unknown, where: string): unknown[] {
  if (value === undefined || value === null || value === '') return [];
  if (Array.isArray(value)) return value;
  throw new Error(`${where}: expected a list`);
}

function mapping(value: unknown, where: string, known: ReadonlySet<string>): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${where}: expected fields with values`);
  const unknownField = Object.keys(value).find((name) => !known.has(name));
  if (unknownField !== undefined)
    throw new Error(`${where}: ${unknownField} is not known, allowed are ${[...known].join(', ')}`);
  return value as Record<string, unknown>;
}
