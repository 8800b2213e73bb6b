import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { TestkitError } from '../errors.ts';

// Below the ephemeral range of the common systems (Linux: 32768 up): a server that is away for a while
// must find its port free when it comes back, and outgoing connections take ephemeral ports meanwhile.
const lowestPort = 20_000;
const highestPort = 32_000;

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/**
 * A port P such that P + offset is free for every offset, on loopback and on the wildcard address.
 * Nothing reserves it: the caller must be ready to try again when somebody else is faster.
 */
export async function findFreePort(offsets: readonly number[] = [0]): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(lowestPort, highestPort);
    let free = true;
    for (const offset of offsets) {
      free &&= (await isFree(port + offset, '127.0.0.1')) && (await isFree(port + offset, '0.0.0.0'));
    }
    if (free) return port;
  }
  throw new TestkitError('start-failed', `no free port between ${lowestPort} and ${highestPort}`);
}
