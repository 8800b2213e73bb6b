import { ResponseCode } from '@dt/rocketmq-protocol';
import { Refusal } from '../server/index.ts';

interface AttributeRule {
  /** Whether it may be set again, or removed, once the topic is there. */
  changeable: boolean;
  allowed: (value: string) => string | undefined;
}

function oneOf(...values: string[]): AttributeRule['allowed'] {
  return (value) => (values.includes(value) ? undefined : `value is not in set: [${values.join(', ')}]`);
}

/** The attributes of topics in 5.3.0. */
const RULES: Readonly<Record<string, AttributeRule>> = {
  'queue.type': { changeable: false, allowed: oneOf('BatchCQ', 'SimpleCQ') },
  'cleanup.policy': { changeable: false, allowed: oneOf('DELETE', 'COMPACTION') },
  'message.type': {
    changeable: true,
    allowed: oneOf('UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'),
  },
  'reserve.time': {
    changeable: true,
    allowed: (value) =>
      /^(-1|\d{1,18})$/.test(value) ? undefined : 'value is not in range(-1, 9223372036854775807)',
  },
};

type Attributes = Readonly<Record<string, string>>;

/** Reads `+name=value,-name`; names keep their sign. */
export function parseAttributeChanges(text: string | undefined): Attributes {
  const changes = new Map<string, string>();
  for (const part of (text ?? '').split(',')) {
    if (part === '') continue;
    const [name = '', value = ''] = part.split('=');
    const sign = part.includes('=') ? '+' : '-';
    if (!name.includes(sign)) {
      const what = sign === '+' ? 'add/alter' : 'delete';
      throw refused(`${what} attribute format is wrong: ${name}`);
    }
    if (changes.has(name)) throw refused(`key duplication: ${name}`);
    changes.set(name, value);
  }
  return Object.fromEntries(changes);
}

/** The attributes of a topic after a change; `current` is undefined for a topic that is made now. */
export function changedAttributes(
  current: Attributes | undefined,
  changes: Attributes,
): Record<string, string> {
  const result = new Map(Object.entries(current ?? {}));
  const seen = new Set<string>();
  for (const [signed, value] of Object.entries(changes)) {
    const name = signed.slice(1);
    if (name === '' || /[+-]/.test(name)) throw refused('kv string format wrong.');
    if (seen.has(name)) throw refused(`alter duplication key. key: ${name}`);
    seen.add(name);
    const removes = checkSign(signed, name, current);
    const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
    if (rule === undefined) throw refused(`unsupported key: ${name}`);
    if (current !== undefined && !rule.changeable)
      throw refused(`attempt to update an unchangeable attribute. key: ${name}`);
    const fault = removes ? undefined : rule.allowed(value);
    if (fault !== undefined) throw refused(fault);
    if (removes) result.delete(name);
    else result.set(name, value);
  }
  return Object.fromEntries(result);
}

function checkSign(signed: string, name: string, current: Attributes | undefined): boolean {
  if (signed.startsWith('+')) return false;
  if (current === undefined)
    throw refused(`only add attribute is supported while creating topic. key: ${name}`);
  if (!signed.startsWith('-')) throw refused(`wrong format key: ${name}`);
  if (!Object.hasOwn(current, name)) throw refused(`attempt to delete a nonexistent key: ${name}`);
  return true;
}

function refused(remark: string): Refusal {
  return new Refusal(ResponseCode.SYSTEM_ERROR, remark);
}
