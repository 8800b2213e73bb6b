import { isLoopbackHost } from '../../config/index.ts';
import { reconcile } from '../reconcile.ts';
import { oneLine } from './probe.ts';
import { type BrokerSeen, type Examination, fault, type Fault, type Surroundings, warning } from './types.ts';

/** The secrets of docker/plain_acl.yml and the sample configuration, known to everybody who can read. */
const SHIPPED_SECRETS: ReadonlySet<string> = new Set(['rocketmq123', 'change-me-admin']);
const MAX_SKEW_MS = 5000;

/** 8: money reconciles, clocks agree, and what is fine for a try-out but not for production. */
export async function examineProduction(around: Surroundings): Promise<Examination> {
  const { config, brokers, now } = around;
  const faults: Fault[] = [];
  const { name_server: nameServer, secret_key: secret } = config.rocketmq;
  if (SHIPPED_SECRETS.has(secret))
    faults.push(
      warning(
        'shipped-keys',
        'rocketmq.secret_key is the one of the sample files',
        'choose a secret of your own, there and in plain_acl.yml of the broker',
      ),
    );
  const isRemote = nameServer !== '' && !isLoopbackHost(nameServer.slice(0, nameServer.lastIndexOf(':')));
  for (const broker of brokers) {
    faults.push(...brokerSettings(broker, isRemote));
    const brokerMs = brokerClockMs(broker.info);
    // The broker counts whole seconds.
    if (brokerMs !== undefined)
      faults.push(...skew(`broker ${broker.name}`, brokerMs + 500 - broker.seenAtMs));
  }
  const { found, more } = await moneyAndClock(around);
  return { lookedAt: 'money, clocks, settings of the broker', found, faults: [...faults, ...more] };

  async function moneyAndClock({ database, databaseFault }: Surroundings) {
    if (database === undefined)
      return { found: '', more: databaseFault === undefined ? [] : [databaseFault] };
    const before = now();
    const { rows } = await database.query<{ ms: number }>(
      'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS ms',
    );
    const more = skew('database', (rows[0]?.ms ?? before) - (before + now()) / 2);
    try {
      const findings = await reconcile(database, { limit: 10 });
      if (findings.length > 0)
        more.push(
          fault(
            'money',
            `${findings.length === 10 ? 'at least ' : ''}${findings.length} rows break an invariant, first ${findings[0]?.check} ${findings[0]?.subject}`,
            'dt reconcile names them all',
          ),
        );
      return { found: 'money reconciles', more };
    } catch (error) {
      const late = warning('money', `not held against each other: ${oneLine(error)}`, 'run dt reconcile');
      return { found: '', more: [...more, late] };
    }
  }
}

/** What the broker's clock showed when it answered: it tells when it started and for how long it has run. */
export function brokerClockMs(info: Readonly<Record<string, string>> = {}): number | undefined {
  const [, days, hours, minutes, seconds] =
    /(\d+) days, (\d+) hours, (\d+) minutes, (\d+) seconds/.exec(info['runtime'] ?? '') ?? [];
  const boot = Number(info['bootTimestamp']);
  if (seconds === undefined || !(boot > 0)) return undefined;
  const ran = ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
  return boot + ran * 1000;
}

function skew(whose: string, aheadMs: number): Fault[] {
  if (Math.abs(aheadMs) <= MAX_SKEW_MS) return [];
  const seconds = Math.round(Math.abs(aheadMs) / 1000);
  return [
    fault(
      'clock-skew',
      `the clock of ${whose} is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} this machine's`,
      'run a time service (chrony, systemd-timesyncd) on both machines',
    ),
  ];
}

function brokerSettings({ name, address, config }: BrokerSeen, isRemote: boolean): Fault[] {
  const faults: Fault[] = [];
  if (config?.['autoCreateTopicEnable'] === 'true')
    faults.push(
      warning(
        'auto-create',
        `${name} has autoCreateTopicEnable=true: a name that is misspelt becomes a topic`,
        'create the topic, then set autoCreateTopicEnable=false in broker.conf',
      ),
    );
  if (isRemote && isLoopbackHost(address.slice(0, address.lastIndexOf(':'))))
    faults.push(
      warning(
        'broker-address',
        `${name} is registered as ${address}, which other machines cannot reach`,
        'set brokerIP1 of broker.conf to an address that all of them reach',
      ),
    );
  return faults;
}
