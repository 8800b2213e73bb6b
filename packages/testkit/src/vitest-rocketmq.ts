import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { quickBroker } from './broker/quick-broker.ts';
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

/** One RocketMQ a run, of the target that ROCKETMQ_TARGET names; tests keep apart by their own topics and groups. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await startBroker(brokerTargetFromEnvironment(), quickBroker);
  const { target, external, nameServer, brokerAddress } = broker;
  project.provide('rocketmq', { target, external, nameServer, brokerAddress });
  return () => broker.close();
}
