import { Producer, type ProducerOptions } from '@dt/rocketmq-client';
import type { Config } from '../config/index.ts';
import { Failures, type Log } from '../log/index.ts';
import { untilItWorks } from './backoff.ts';
import { clientOptions } from './client-options.ts';

/**
 * Creates and starts the producer, with the start-up lines that operators compare against. When that fails the
 * cause is named and it is tried again until `signal` says stop.
 *
 * @returns the running producer, or undefined when stopped before it worked
 */
export async function startProducer(
  config: Config['rocketmq'],
  log: Log,
  signal: AbortSignal,
): Promise<Producer | undefined> {
  const endpoint = config.name_server;
  log.info({ endpoint, topics: config.topic_settle, ak: config.access_key }, 'rocketmq producer config');
  log.info({ topics: [config.topic_settle] }, 'rocketmq: topics configured');
  log.info({ opts_count: 1 }, 'rocketmq: creating producer');

  const options = { ...clientOptions(config, log), group: config.producer_group };
  const failures = new Failures({ log });
  let announced = false;
  const producer = await untilItWorks(
    async () => {
      const producer = createProducer(options);
      if (!announced) log.info('rocketmq: producer created, starting...');
      announced = true;
      try {
        await producer.start();
      } catch (error) {
        await producer.close();
        throw new Error('producer start failed', { cause: error });
      }
      return producer;
    },
    {
      signal,
      onFailure: (error, retryInMs) => {
        const { message, cause } = error as Error;
        failures.error({ endpoint, err: cause, retryInMs }, `rocketmq: ${message}`);
      },
    },
  );
  if (producer !== undefined) {
    for (const what of ['init', 'start']) failures.over(`rocketmq: producer ${what} failed`);
    log.info({ endpoint }, 'rocketmq enabled');
  }
  return producer;
}

function createProducer(options: ProducerOptions): Producer {
  try {
    return new Producer(options);
  } catch (error) {
    throw new Error('producer init failed', { cause: error });
  }
}
