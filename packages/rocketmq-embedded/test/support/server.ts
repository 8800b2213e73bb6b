import { onTestFinished } from 'vitest';
import { startRocketMQ, type RocketMQOptions, type RocketMQServer } from '../../src/index.ts';
import { temporaryFolder } from './folders.ts';
import { WireClient } from './wire-client.ts';

/** A server on free ports that is closed when the test ends. */
export async function startServer(options: Partial<RocketMQOptions> = {}): Promise<RocketMQServer> {
  const server = await startRocketMQ({
    dataDir: temporaryFolder(),
    nameServerPort: 0,
    brokerPort: 0,
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

export async function connect(address: string): Promise<WireClient> {
  const client = await WireClient.connect(address);
  onTestFinished(() => client.close());
  return client;
}

/** A server and a client of its broker. */
export async function startBroker(
  options: Partial<RocketMQOptions> = {},
): Promise<{ server: RocketMQServer; broker: WireClient }> {
  const server = await startServer(options);
  return { server, broker: await connect(server.brokerAddress) };
}
