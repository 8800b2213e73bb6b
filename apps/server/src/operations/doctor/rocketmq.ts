import { Admin, type ClusterInfo } from '@dt/rocketmq-client';
import type { Config } from '../../config/index.ts';
import { oneLine, reach, refusalOf } from './probe.ts';
import { type BrokerSeen, type Examination, fault, type Fault, skip, warning } from './types.ts';

/** Of one connection or one request. */
const PROBE_MS = 2000;

export interface RocketMQSeen {
  readonly examination: Examination;
  readonly admin?: Admin;
  readonly brokers: readonly BrokerSeen[];
  readonly refusal?: Fault;
}

/** 1: NameServers answer, brokers are registered, and the addresses they are registered with can be reached. */
export async function examineRocketMQ(config: Config['rocketmq'], now: () => number): Promise<RocketMQSeen> {
  const addresses = config.name_server
    .split(/[;,]/)
    .map((address) => address.trim())
    .filter((address) => address !== '');
  const lookedAt = addresses.length === 0 ? 'rocketmq.name_server' : `NameServer ${addresses.join(', ')}`;
  if (addresses.length === 0) return { examination: skip(lookedAt, 'no address is configured'), brokers: [] };

  const faults: Fault[] = [];
  const answering: string[] = [];
  const asked = await Promise.all(
    addresses.map(async (address) => ({ address, trouble: await askNameServer(address) })),
  );
  for (const { address, trouble } of asked) {
    if (trouble === undefined) answering.push(address);
    else faults.push(trouble);
  }
  if (answering.length === 0) return { examination: { lookedAt, found: '', faults }, brokers: [] };

  const { access_key: accessKey, secret_key: secretKey } = config;
  const admin = adminOf(
    answering,
    accessKey === '' || secretKey === '' ? undefined : { accessKey, secretKey },
  );
  let registered: ClusterInfo['brokers'];
  try {
    await admin.start();
    registered = (await admin.clusterInfo()).brokers;
  } catch (error) {
    await admin.close();
    const lost = fault('name-server-timeout', oneLine(error), 'run dt doctor again');
    return { examination: { lookedAt, found: '', faults: [...faults, lost] }, brokers: [] };
  }
  const masters = Object.values(registered).flatMap(({ brokerName, brokerAddrs }) =>
    Object.entries(brokerAddrs).map(([id, address]) => ({ name: brokerName, id, address })),
  );
  if (masters.length === 0) {
    faults.push(
      fault(
        'no-broker',
        `NameServer ${answering.join(', ')} answers, and no broker is registered`,
        'start the broker, with namesrvAddr of broker.conf set to this NameServer; its log broker.log says "register broker to name server ... OK"',
      ),
    );
  }
  const brokers: BrokerSeen[] = [];
  let refusal: Fault | undefined;
  await Promise.all(
    masters.map(async ({ name, id, address }) => {
      const reached = await reach(address, PROBE_MS);
      if (reached !== 'open') {
        faults.push(unreachable(name, address, reached));
        return;
      }
      if (id !== '0') return;
      try {
        const info = await admin.brokerRuntimeInfo(address);
        const seenAtMs = now();
        brokers.push({ name, address, info, seenAtMs, config: await admin.brokerConfig(address) });
        faults.push(...diskFaults(name, info, brokers.at(-1)?.config));
      } catch (error) {
        refusal = refusalOf(error) ?? refusal;
        brokers.push({ name, address, seenAtMs: now() });
        if (refusalOf(error) === undefined) {
          faults.push(
            fault(
              'broker-unreachable',
              `broker ${name} at ${address} takes connections and does not answer: ${oneLine(error)}`,
              'look at the log of the broker; something else may listen on its port',
            ),
          );
        }
      }
    }),
  );
  const found = `${answering.length} of ${addresses.length} NameServers; ${brokers
    .map(({ name, address }) => `${name} at ${address}`)
    .sort()
    .join(', ')}`;
  return { examination: { lookedAt, found, faults }, admin, brokers, ...(refusal && { refusal }) };
}

function adminOf(
  nameServers: readonly string[],
  credentials?: { accessKey: string; secretKey: string },
): Admin {
  return new Admin({
    nameServers,
    connectTimeoutMs: PROBE_MS,
    requestTimeoutMs: PROBE_MS,
    ...(credentials && { credentials }),
  });
}

async function askNameServer(address: string): Promise<Fault | undefined> {
  const reached = await reach(address, PROBE_MS);
  const start = 'start it (mqnamesrv, or docker compose up), or correct rocketmq.name_server';
  if (reached === 'refused')
    return fault('name-server-refuses', `${address} refuses the connection: nothing listens there`, start);
  if (reached === 'timed out')
    return fault(
      'name-server-timeout',
      `${address} does not answer within ${PROBE_MS} ms: a firewall, or the wrong address`,
      'open the port on the way there, or correct rocketmq.name_server',
    );
  if (reached !== 'open')
    return fault('name-server-unreachable', `${address}: ${reached}`, 'correct rocketmq.name_server');
  const admin = adminOf([address]);
  try {
    await admin.start();
    return undefined;
  } catch (error) {
    return fault(
      'name-server-timeout',
      `${address} takes the connection and does not answer as a NameServer: ${oneLine(error)}`,
      'look whether it hangs, and whether that port is the NameServer (9876) and not the broker (10911)',
    );
  } finally {
    await admin.close();
  }
}

function unreachable(name: string, address: string, reached: string): Fault {
  return fault(
    'broker-unreachable',
    `NameServer hands out ${address} for ${name}, which cannot be reached from here (${reached})`,
    'if the broker runs: set brokerIP1 of broker.conf to an address that this machine reaches, open the port, and restart it; if it does not: start it (a NameServer forgets a dead one after 2 minutes)',
  );
}

/** Share of the disk from which a broker refuses every message. */
const FULL_RATIO = 0.9;

export function diskFaults(
  name: string,
  info: Readonly<Record<string, string>>,
  config: Readonly<Record<string, string>> = {},
): Fault[] {
  const used = Number(info['commitLogDiskRatio']);
  const limit = Number(config['diskMaxUsedSpaceRatio'] ?? 75) / 100;
  if (!Number.isFinite(used)) return [];
  const evidence = `the disk of ${name} is ${Math.round(used * 100)}% full`;
  const fix = 'make room on the disk of the broker (storePathCommitLog), or lower fileReservedTime';
  if (used >= FULL_RATIO) return [fault('disk-full', `${evidence}: it refuses messages`, fix)];
  if (used < limit) return [];
  return [warning('disk-filling', `${evidence}: from diskMaxUsedSpaceRatio on it deletes old messages`, fix)];
}
