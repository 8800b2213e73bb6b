import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { brokerTargetFromEnvironment, startBroker } from './broker/start-broker.ts';
import type { BrokerTarget } from './broker/target.ts';

/** What a test sees of the RocketMQ of its run: `inject('rocketmq')`. */
export interface ProvidedRocketmq {
  target: BrokerTarget;
  /** A cluster given by ROCKETMQ_NAMESRV, which the tests cannot stop or start. */
  external: boolean;
  nameServer: string;
  brokerAddress: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    rocketmq: ProvidedRocketmq;
  }
}

// The first three retries (levels 3 to 5) come after a second each, so that a test can wait for them.
const messageDelayLevel = '1s 5s 1s 1s 1s 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h';

/** One RocketMQ a run, of the target that ROCKETMQ_TARGET names; tests keep apart by their own topics and groups. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await startBroker(brokerTargetFromEnvironment(), {
    messageDelayLevel,
    brokerConfig: { enablePropertyFilter: 'true' },
  });
  const { target, external, nameServer, brokerAddress } = broker;
  project.provide('rocketmq', { target, external, nameServer, brokerAddress });
  return () => broker.close();
}
