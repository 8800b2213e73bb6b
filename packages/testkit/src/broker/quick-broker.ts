import type { StartBrokerOptions } from './target.ts';

/** A Broker for many tests at once, which tells soon what a default one tells after half a minute. */
export const quickBroker: StartBrokerOptions = {
  // The first three retries (levels 3 to 5) come after a second each, so that a test can wait for them.
  messageDelayLevel: '1s 5s 1s 1s 1s 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
  transactions: { timeOutMs: 2000, checkIntervalMs: 2000 },
  brokerConfig: { enablePropertyFilter: 'true' },
};
