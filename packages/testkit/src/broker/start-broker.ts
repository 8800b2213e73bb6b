import { startEmbeddedBroker } from './embedded.ts';
import { useExternalBroker } from './external.ts';
import { startRealBroker } from './real.ts';
import type { BrokerTarget, RunningBroker, StartBrokerOptions } from './target.ts';

/**
 * Starts a RocketMQ for a test and waits until its Broker is registered.
 *
 * `real` is Broker 5.3.0 with a NameServer as JVMs, or, with ROCKETMQ_NAMESRV in the environment, the
 * cluster it names. `embedded` is ours, in a process of its own, so that it can be crashed.
 */
export async function startBroker(
  target: BrokerTarget,
  options: StartBrokerOptions = {},
): Promise<RunningBroker> {
  if (target === 'embedded') return startEmbeddedBroker(options);
  const nameServer = process.env['ROCKETMQ_NAMESRV'];
  return nameServer ? useExternalBroker(nameServer) : startRealBroker(options);
}

/** The target that ROCKETMQ_TARGET names. @default 'embedded' */
export function brokerTargetFromEnvironment(): BrokerTarget {
  const value = process.env['ROCKETMQ_TARGET'] || 'embedded';
  if (value !== 'embedded' && value !== 'real') {
    throw new RangeError(`ROCKETMQ_TARGET: "${value}", allowed are embedded and real`);
  }
  return value;
}
