/** Which RocketMQ: ours in one Node process, or the real one (JVMs here, or a cluster that is given). */
export type BrokerTarget = 'embedded' | 'real';

/** Names of PEM files; the key in PKCS#8. */
export interface BrokerTls {
  certFile: string;
  keyFile: string;
  caFile: string;
  /** @default false */
  requireClientCertificate?: boolean;
}

export interface StartBrokerOptions {
  /**
   * Keys of broker.conf to add or change; the embedded one reads `enablePropertyFilter` and
   * `useServerSideResetOffset` only. @default {}
   */
  brokerConfig?: Readonly<Record<string, string>>;
  /** @default 'async' */
  flush?: 'sync' | 'async';
  /** @default true */
  autoCreateTopics?: boolean;
  /**
   * Delays of levels 1 to 18, as `messageDelayLevel` of broker.conf. Retries begin with level 3.
   * @default '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h'
   */
  messageDelayLevel?: string;
  /** How half messages are asked about; what is left out is as RocketMQ has it. @default {} */
  transactions?: {
    /** Age from which one is asked about. @default 6000 */
    timeOutMs?: number;
    /** @default 30000 */
    checkIntervalMs?: number;
    /** Questions before one is given up. @default 15 */
    checkMax?: number;
  };
  /**
   * Turns access control on, with a copy of this file (format of plain_acl.yml) as its rules.
   * @default no access control
   */
  aclFile?: string;
  /**
   * Has NameServer and Broker take TLS connections only, from clients with a certificate of `caFile`
   * alone when `requireClientCertificate` is set.
   * @default no TLS is asked for
   */
  tls?: BrokerTls;
  /**
   * What the JVM of a real Broker is for: to be there soon, at two thirds of the work, or to be measured.
   * @default 'quick-start'
   */
  jvm?: 'quick-start' | 'throughput';
  /**
   * `host:port` of a NameServer that runs, for one more Broker of its cluster; only the real one can be more than
   * one. Its name and role are in `brokerConfig`.
   * @default a NameServer of its own
   */
  nameServer?: string;
  /** How long NameServer and Broker may take until the Broker is registered. @default 120000 */
  startTimeoutMs?: number;
}

/** A NameServer with one Broker, on loopback, with a store of its own. */
export interface RunningBroker extends AsyncDisposable {
  readonly target: BrokerTarget;
  /** True for a cluster that was given by ROCKETMQ_NAMESRV: it cannot be stopped or started from here. */
  readonly external: boolean;
  /** `host:port`; of a list in ROCKETMQ_NAMESRV the first. */
  readonly nameServer: string;
  /** `host:port`; the Broker keeps it over restarts. */
  readonly brokerAddress: string;
  /** The number of the process that holds the Broker, while it runs. */
  readonly brokerPid: number | undefined;
  /** Ends the Broker in order. The embedded NameServer lives in the same process and goes with it. */
  stopBroker(): Promise<void>;
  /** Ends the Broker with SIGKILL, at once: a crash. */
  killBroker(): Promise<void>;
  /** Brings back what does not run, on the same ports and store, and waits until the Broker is registered. */
  startBroker(): Promise<void>;
  /**
   * Replaces the rules of a Broker that was started with `aclFile`, at once and as a whole; it finds them within
   * seconds.
   */
  replaceAcl(text: string): Promise<void>;
  /** The newest lines of all logs, for the report of a failed test. */
  logs(): Promise<string>;
  /** Ends everything at once and deletes the store. */
  close(): Promise<void>;
}

/** A start takes 5 seconds, but a minute was seen on a machine with much other work. */
export const defaultStartTimeoutMs = 120_000;
