export type { BrokerTarget, BrokerTls, RunningBroker, StartBrokerOptions } from './broker/target.ts';
export { brokerTargetFromEnvironment, startBroker } from './broker/start-broker.ts';
export { JavaMqadmin, type JavaCommandResult } from './broker/java-mqadmin.ts';
export { quickBroker } from './broker/quick-broker.ts';
export { buildJavaProgram, type JavaProgram } from './broker/java-program.ts';
export { TestkitError, type TestkitErrorCode } from './errors.ts';
export { eventually, type EventuallyOptions } from './eventually.ts';
export { findFreePort } from './net/free-port.ts';
export { askOnce, RawConnection, type RawRequestOptions } from './net/raw-connection.ts';
export type { FoundLine } from './process/line-log.ts';
export {
  Program,
  spawnNode,
  type NodeProgramOptions,
  type ProgramExit,
  type ProgramOptions,
  type WaitForLineOptions,
} from './process/program.ts';
export { Random } from './random.ts';
export { uniqueName } from './unique-name.ts';
export { Nacos } from './nacos.ts';
export {
  faultProxy,
  FaultProxy,
  type FaultMode,
  type FaultProxyOptions,
  type Rewrite,
} from './net/fault-proxy.ts';
export { proxyRocketmq, type ProxiedRocketmq } from './net/proxied-rocketmq.ts';
/** The bytes of the protocol, for peers that are made by hand with `RawConnection`. */
export * as protocol from '@dt/rocketmq-protocol';
export {
  createTestDatabase,
  serverConnectionString,
  type TestDatabase,
  type TestDatabaseOptions,
} from './postgres.ts';
export * from './crash/index.ts';
