import { DEAD_LETTER_TOPIC_PREFIX, RETRY_TOPIC_PREFIX } from './names.ts';

const SEPARATOR = '%';

/** Belong to no namespace. */
const SYSTEM_TOPICS: ReadonlySet<string> = new Set([
  ...['TBW102', 'SCHEDULE_TOPIC_XXXX', 'BenchmarkTest', 'SELF_TEST_TOPIC', 'OFFSET_MOVED_EVENT'],
  ...['RMQ_SYS_TRANS_HALF_TOPIC', 'RMQ_SYS_TRANS_OP_HALF_TOPIC', 'TRANS_CHECK_MAX_TIME_TOPIC'],
  'RMQ_SYS_TRACE_TOPIC',
]);

/**
 * Name of a topic or group as brokers know it: `NS%name`, `%RETRY%NS%group`, `%DLQ%NS%group`. Names of the system and
 * names that have this namespace already stay as they are.
 */
export function withNamespace(name: string, namespace: string | undefined): string {
  if (namespace === undefined || isOfSystem(name)) return name;
  const [prefix, rest] = parted(name);
  const own = namespace + SEPARATOR;
  return rest.startsWith(own) ? name : prefix + own + rest;
}

/** The other way; a name of another namespace, or of none, stays as it is. */
export function withoutNamespace(name: string, namespace: string | undefined): string {
  if (namespace === undefined) return name;
  const [prefix, rest] = parted(name);
  const own = namespace + SEPARATOR;
  return rest.startsWith(own) ? prefix + rest.slice(own.length) : name;
}

function parted(name: string): [prefix: string, rest: string] {
  for (const prefix of [RETRY_TOPIC_PREFIX, DEAD_LETTER_TOPIC_PREFIX])
    if (name.startsWith(prefix)) return [prefix, name.slice(prefix.length)];
  return ['', name];
}

function isOfSystem(name: string): boolean {
  return SYSTEM_TOPICS.has(name) || name.startsWith('rmq_sys_') || name.startsWith('CID_RMQ_SYS_');
}
