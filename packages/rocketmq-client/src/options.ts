import {
  type Credentials,
  isValidName,
  MAX_GROUP_LENGTH,
  MAX_TOPIC_LENGTH,
  TRACE_TOPIC,
  withNamespace,
} from '@dt/rocketmq-protocol';
import { RocketMQError } from './errors.ts';
import { type Logger, silentLogger } from './logger.ts';
import { type MetricsHook, safeMetrics } from './metrics.ts';
import { parseAddress } from './transport/address.ts';
import { type OpenSocket, openTcpSocket } from './transport/socket.ts';
import { checkTls, type TlsOptions, type TlsSource, tlsSocketOpener } from './transport/tls.ts';

/** Options that producers, consumers and admin clients share. */
export interface ClientOptions {
  /**
   * `host:port` each, or one text with `;` between them; or the `http://` or `https://` URL of an address server that
   * answers such a text, as `http://mq.example.com:8080/rocketmq/nsaddr`.
   */
  nameServers: readonly string[] | string;
  /** How often an address server is asked again. @default 120000 */
  nameServerListRefreshMs?: number;
  /** Access key and secret for brokers with access control. @default none */
  credentials?: Credentials;
  /**
   * Encrypts the connections to NameServers and brokers; `true` trusts what Node trusts; a function is asked for every
   * new connection.
   * @default no TLS
   */
  tls?: true | TlsOptions | TlsSource;
  /** @default 3000 */
  connectTimeoutMs?: number;
  /** Time-out of requests other than sends and pulls. @default 3000 */
  requestTimeoutMs?: number;
  /** How often routes of the topics in use are looked up again. @default 30000 */
  routeRefreshMs?: number;
  /** How often brokers are told that this client lives; they forget it after 120 s. @default 30000 */
  heartbeatMs?: number;
  /** Requests that may wait for an answer on one connection; one more fails at once. @default 16384 */
  maxInFlightRequests?: number;
  /**
   * A connection on which requests wait and nothing comes for this long is asked for a sign of life, and given up 3 s
   * later; so is one of a request that timed out.
   * @default 20000
   */
  silenceTimeoutMs?: number;
  /** Last part of the client id, `ip@instance@unit`: tells apart clients of several clusters. @default none */
  unitName?: string;
  /** Takes measurements under the names of RocketMQ's 5.x clients. @default nothing is measured */
  metrics?: MetricsHook;
  /** @default silent */
  logger?: Logger;
}

export interface CheckedClientOptions {
  /** Empty until an address server was asked. */
  readonly nameServers: readonly string[];
  readonly nameServerUrl: string | undefined;
  readonly nameServerListRefreshMs: number;
  readonly credentials: Credentials | undefined;
  readonly openSocket: OpenSocket;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly routeRefreshMs: number;
  readonly heartbeatMs: number;
  readonly maxInFlightRequests: number;
  readonly silenceTimeoutMs: number;
  readonly unitName: string | undefined;
  readonly metrics: MetricsHook | undefined;
  readonly logger: Logger;
}

const MAX_TIMER_MS = 0x7fffffff;

export function checkClientOptions(options: ClientOptions): CheckedClientOptions {
  return {
    ...nameServers(options.nameServers),
    nameServerListRefreshMs: durationMs('nameServerListRefreshMs', options.nameServerListRefreshMs, 120_000),
    credentials: credentials(options.credentials),
    openSocket: options.tls === undefined ? openTcpSocket : tlsSocketOpener(checkTls(options.tls)),
    connectTimeoutMs: durationMs('connectTimeoutMs', options.connectTimeoutMs, 3000),
    requestTimeoutMs: durationMs('requestTimeoutMs', options.requestTimeoutMs, 3000),
    routeRefreshMs: durationMs('routeRefreshMs', options.routeRefreshMs, 30_000),
    heartbeatMs: durationMs('heartbeatMs', options.heartbeatMs, 30_000),
    maxInFlightRequests: integer('maxInFlightRequests', options.maxInFlightRequests, 16_384, 1, 65_535),
    silenceTimeoutMs: durationMs('silenceTimeoutMs', options.silenceTimeoutMs, 20_000),
    unitName: unitName(options.unitName),
    metrics: metricsHook(options.metrics, options.logger ?? silentLogger),
    logger: options.logger ?? silentLogger,
  };
}

export function invalidOption(field: string, value: unknown, allowed: string): RocketMQError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new RocketMQError('options-invalid', `${field}: ${shown} is not allowed, ${allowed}`);
}

export function integer(
  field: string,
  value: number | undefined,
  whenAbsent: number,
  min: number,
  max: number,
): number {
  const checked = value ?? whenAbsent;
  if (!Number.isSafeInteger(checked) || checked < min || checked > max) {
    throw invalidOption(field, checked, `expected an integer from ${min} to ${max}`);
  }
  return checked;
}

/** At least 1 ms, at most what a timer can wait. */
export function durationMs(field: string, value: number | undefined, whenAbsent: number): number {
  return integer(field, value, whenAbsent, 1, MAX_TIMER_MS);
}

export function flag(field: string, value: boolean | undefined, whenAbsent: boolean): boolean {
  const checked = value ?? whenAbsent;
  if (typeof checked !== 'boolean') throw invalidOption(field, checked, 'expected true or false');
  return checked;
}

export function oneOf<T extends string>(
  field: string,
  value: T | undefined,
  whenAbsent: T,
  allowed: readonly T[],
): T {
  const checked = value ?? whenAbsent;
  if (!allowed.includes(checked))
    throw invalidOption(field, checked, `expected one of ${allowed.join(', ')}`);
  return checked;
}

/** As it goes over the wire, with its namespace. */
export function groupName(value: string, namespace?: string): string {
  if (typeof value !== 'string' || !isValidName(value, MAX_GROUP_LENGTH)) {
    throw invalidOption(
      'group',
      value,
      `expected 1 to ${MAX_GROUP_LENGTH} of the characters a-z A-Z 0-9 % | _ -`,
    );
  }
  // Clients that share these by accident would take each other's messages.
  if (value === 'DEFAULT_PRODUCER' || value === 'DEFAULT_CONSUMER') {
    throw invalidOption('group', value, 'expected a name of your own');
  }
  const name = withNamespace(value, namespace);
  if (name.length <= MAX_GROUP_LENGTH) return name;
  throw invalidOption('group', value, `expected at most ${MAX_GROUP_LENGTH} characters with the namespace`);
}

function metricsHook(value: MetricsHook | undefined, logger: Logger): MetricsHook | undefined {
  if (value !== undefined && (typeof value.observe !== 'function' || typeof value.set !== 'function'))
    throw invalidOption('metrics', value, 'expected an object with the functions observe and set');
  return safeMetrics(value, logger);
}

/** Part of the names on the wire; checked, for it must leave room for the names themselves. */
export function checkNamespace(value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value))) return value;
  throw invalidOption('namespace', value, 'expected 1 to 64 of the characters a-z A-Z 0-9 _ -');
}

/** Where message traces go; undefined for nowhere. */
export function traceTopic(value: boolean | { topic: string } | undefined): string | undefined {
  if (value === undefined || value === false) return undefined;
  if (value === true) return TRACE_TOPIC;
  if (
    typeof value === 'object' &&
    typeof value.topic === 'string' &&
    isValidName(value.topic, MAX_TOPIC_LENGTH)
  )
    return value.topic;
  throw invalidOption('messageTrace', JSON.stringify(value), 'expected true, false or { topic }');
}

function unitName(value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && /^[A-Za-z0-9_-]{1,64}$/.test(value))) return value;
  throw invalidOption('unitName', value, 'expected 1 to 64 of the characters a-z A-Z 0-9 _ -');
}

function nameServers(
  value: readonly string[] | string,
): Pick<CheckedClientOptions, 'nameServers' | 'nameServerUrl'> {
  if (typeof value === 'string' && /^https?:/i.test(value)) {
    if (!URL.canParse(value)) throw invalidOption('nameServers', value, 'expected a URL');
    return { nameServers: [], nameServerUrl: value };
  }
  const list = (typeof value === 'string' ? value.split(/[;,]/) : value).map((entry) => entry.trim());
  const addresses = [...new Set(list.filter((entry) => entry !== ''))];
  if (addresses.length === 0) throw invalidOption('nameServers', value, 'expected at least one host:port');
  for (const address of addresses) {
    if (parseAddress(address) === undefined)
      throw invalidOption('nameServers', address, 'expected host:port');
  }
  return { nameServers: addresses, nameServerUrl: undefined };
}

function credentials(value: Credentials | undefined): Credentials | undefined {
  if (value === undefined) return undefined;
  for (const field of ['accessKey', 'secretKey'] as const) {
    if (typeof value[field] !== 'string' || value[field] === '') {
      // The value itself stays out of the message.
      throw new RocketMQError('options-invalid', `credentials.${field}: expected a text that is not empty`);
    }
  }
  return { ...value };
}
