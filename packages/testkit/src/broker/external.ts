import { TestkitError } from '../errors.ts';
import { firstMasterOf } from './await-registered.ts';
import type { RunningBroker } from './target.ts';

/** A RocketMQ that runs elsewhere: usable as it is, but not ours to stop. */
export async function useExternalBroker(nameServers: string): Promise<RunningBroker> {
  const nameServer = nameServers.split(/[;,]/)[0] as string;
  const brokerAddress = await firstMasterOf(nameServer).catch((error: unknown) => {
    throw new TestkitError(
      'start-failed',
      `the RocketMQ that ROCKETMQ_NAMESRV=${nameServer} names does not answer`,
      {
        cause: error,
      },
    );
  });
  const refuse = async (): Promise<never> => {
    throw new TestkitError(
      'external-cluster',
      `the RocketMQ at ${nameServer} was given by ROCKETMQ_NAMESRV: it is not started or stopped from here`,
    );
  };
  return {
    target: 'real',
    external: true,
    nameServer,
    brokerAddress,
    brokerPid: undefined,
    stopBroker: refuse,
    killBroker: refuse,
    startBroker: refuse,
    replaceAcl: refuse,
    logs: async () => `(the logs of ${nameServer} are kept where it runs)`,
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
