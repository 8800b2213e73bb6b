/** Settings of the earlier server that have no use here. A block that starts like this is passed by with one warning. */
const unusedPaths = [
  'redis',
  'mysql',
  'etcd',
  'nacos',
  'observability',
  'feature_flags',
  'thresholds',
  'auth.jwt',
  'database.dsn',
  'database.max_open_conns',
  'database.max_idle_conns',
  'database.conn_max_lifetime_sec',
  'rate_limit.global.burst',
  'rate_limit.by_ip.burst',
  'rate_limit.by_user.burst',
  'rate_limit.by_platform.burst',
  'rocketmq_producer_topics',
  'rocketmq_consume_topics',
];

const unusedPatterns = [/^auth\.platforms\.[0-9]+\.rate_limit$/];

export function isUnusedLegacy(path: string): boolean {
  return unusedPaths.includes(path) || unusedPatterns.some((pattern) => pattern.test(path));
}

/** The earlier server's flat message settings, and what they are called now; of two, the first wins. */
export const flatNames: readonly (readonly [flat: string, path: string])[] = [
  ['rocketmq_endpoint', 'rocketmq.name_server'],
  ['rocketmq_namesrv', 'rocketmq.name_server'],
  ['rocketmq_access_key', 'rocketmq.access_key'],
  ['rocketmq_secret_key', 'rocketmq.secret_key'],
  ['rocketmq_consumer_group', 'rocketmq.consumer_group'],
];
