import type { Admin } from '@dt/rocketmq-client';
import type { Config } from '../../config/index.ts';
import type { Database } from '../../database/index.ts';

/** What is wrong, one word a case: docs/guide/troubleshooting.md has symptom, evidence and remedy of each. */
export const DOCTOR_CASES = [
  'not-configured',
  'key-missing',
  'name-server-refuses',
  'name-server-timeout',
  'name-server-unreachable',
  'no-broker',
  'broker-unreachable',
  'wrong-key',
  'wrong-secret',
  'access-denied',
  'topic-permission',
  'topic-missing',
  'topic-closed',
  'no-producer',
  'rows-wait',
  'dead-rows',
  'group-missing',
  'no-members',
  'consumer-lag',
  'not-applied',
  'disk-filling',
  'disk-full',
  'clock-skew',
  'broker-address',
  'shipped-keys',
  'auto-create',
  'money',
  'database',
  'probe-failed',
] as const;

export type DoctorCase = (typeof DOCTOR_CASES)[number];

export interface Fault {
  readonly case: DoctorCase;
  /** A `warning` does not fail its point: it is right for a machine to try things on, and wrong for production. */
  readonly severity: 'fault' | 'warning';
  /** What was seen, in words. */
  readonly evidence: string;
  readonly fix: string;
  /** What `--fix` did about it. */
  readonly fixed?: string;
}

/** What one point comes to, before it has its number. */
export interface Examination {
  readonly lookedAt: string;
  /** What is good, in words; without faults it is the answer. */
  readonly found: string;
  readonly faults: readonly Fault[];
  /** Why the point could not be looked at; it is then neither good nor bad. */
  readonly skipped?: string;
}

export interface Point extends Examination {
  readonly point: number;
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed' | 'skipped';
}

export interface BrokerSeen {
  readonly name: string;
  readonly address: string;
  /** As the broker tells, texts all; absent when it refused to. */
  readonly info?: Readonly<Record<string, string>>;
  readonly config?: Readonly<Record<string, string>>;
  /** This process's clock when `info` came. */
  readonly seenAtMs: number;
}

/** What the points after the first stand on. */
export interface Surroundings {
  readonly config: Config;
  /** Where the value at a path of the configuration came from. */
  readonly originOf: (path: string) => string;
  /** Absent while no NameServer answers. */
  readonly admin?: Admin;
  /** The masters that take connections. */
  readonly brokers: readonly BrokerSeen[];
  /** How the brokers refused our keys. */
  readonly refusal?: Fault;
  readonly database?: Database;
  /** Why there is none. */
  readonly databaseFault?: Fault;
  /** Whether safe remedies are applied: a topic or a group that is missing is created. */
  readonly fix: boolean;
  readonly maxLag: number;
  readonly now: () => number;
}

export const fault = (name: DoctorCase, evidence: string, fix: string): Fault => ({
  case: name,
  severity: 'fault',
  evidence,
  fix,
});

export const warning = (name: DoctorCase, evidence: string, fix: string): Fault => ({
  ...fault(name, evidence, fix),
  severity: 'warning',
});

export const skip = (lookedAt: string, skipped: string): Examination => ({
  lookedAt,
  found: '',
  faults: [],
  skipped,
});
