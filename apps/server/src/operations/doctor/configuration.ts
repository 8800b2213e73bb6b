import { type Examination, fault, type Fault, type Surroundings } from './types.ts';

const KEYS = [
  'name_server',
  'topic_settle',
  'producer_group',
  'consumer_group',
  'access_key',
  'secret_key',
] as const;

/** 2: the block `rocketmq` is whole, and the brokers take its keys. */
export function examineConfiguration({ config, originOf, refusal, brokers }: Surroundings): Examination {
  const { rocketmq } = config;
  const lookedAt = 'configuration block rocketmq';
  const faults: Fault[] = [];
  if (rocketmq.name_server === '') {
    faults.push(
      fault(
        'not-configured',
        'rocketmq.name_server is empty: nothing is sent, and rows wait in the outbox',
        'set rocketmq.name_server (DT_ROCKETMQ__NAME_SERVER), rocketmq.access_key and rocketmq.secret_key',
      ),
    );
  } else {
    const missing = (['access_key', 'secret_key'] as const).filter((key) => rocketmq[key] === '');
    if (missing.length > 0) {
      const names = missing.map((key) => `rocketmq.${key}`).join(' and ');
      faults.push(
        fault(
          'key-missing',
          `${names} ${missing.length === 1 ? 'is' : 'are'} empty while an endpoint is set: messaging is disabled, rows stay at 0`,
          `set ${names}; a broker without access control takes any value`,
        ),
      );
    } else if (refusal !== undefined) faults.push(refusal);
  }
  const taken = brokers.some(({ info }) => info !== undefined) ? '; keys taken by the broker' : '';
  // Of the secret its origin alone.
  const values = KEYS.map(
    (key) => `${key}${key === 'secret_key' ? '' : ` ${rocketmq[key]}`} (${originOf(`rocketmq.${key}`)})`,
  );
  return { lookedAt, found: `${values.join(', ')}${taken}`, faults };
}
