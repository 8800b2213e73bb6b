import { setTimeout as sleep } from 'node:timers/promises';
import { ROCKETMQ_ERROR_CODES, RocketMQError } from '@dt/rocketmq-client';
import { seededRandom, startHostileCluster } from '../support/hostile-cluster.ts';
import { type Given, PUBLIC_CLASSES, type PublicClass, type Subject } from '../support/public-calls.ts';

/** Every try of every request of a call, on a machine with much other work. */
const CALL_LIMIT_MS = 15_000;
/** Timers and sockets of two cores; a loop without pauses makes some hundred times more. */
const MAX_REQUESTS_PER_SECOND = 1000;
const IDLE_MS = 300;
const TIMEOUT_MS = 300;
const CLOSE_TIMEOUT_MS = 1000;
/** With some room for a busy machine. */
const CLOSE_LIMIT_MS = CLOSE_TIMEOUT_MS + 4000;

/**
 * Starts a client of a class against a cluster that answers wrongly as the seed says, makes every call of it, and closes
 * it. Throws when a call does not end, ends with anything but an error with a code, or requests come without pauses.
 */
export async function runAgainstHostile(name: string, seed: number): Promise<void> {
  const publicClass = PUBLIC_CLASSES[name];
  if (publicClass === undefined) throw new Error(`no class ${name}`);
  const random = seededRandom(seed);
  // The start may go well, so that there is something to call.
  let isHostile = random() < 0.3;
  const cluster = await startHostileCluster(() => (isHostile ? random() : 1), 0.6);
  const given = {
    ...{ nameServer: cluster.address, timeoutMs: TIMEOUT_MS, closeTimeoutMs: CLOSE_TIMEOUT_MS },
    work: async () => undefined,
  };
  const subject = publicClass.make(given);
  const startedAt = performance.now();
  try {
    await ends(`${name}.start`, subject.start());
    isHostile = true;
    await Promise.all([callAll(name, publicClass, subject, given), sleep(IDLE_MS)]);
  } finally {
    await within(`${name}.close`, subject.close(), CLOSE_LIMIT_MS);
    await cluster.server.close();
  }
  const perSecond = cluster.server.requests.length / ((performance.now() - startedAt) / 1000);
  if (perSecond > MAX_REQUESTS_PER_SECOND)
    throw new Error(`${name}: ${Math.round(perSecond)} requests a second`);
}

async function callAll(name: string, { calls }: PublicClass, subject: Subject, given: Given): Promise<void> {
  await Promise.all(
    Object.entries(calls).map(([method, call]) =>
      ends(`${name}.${method}`, (async () => call(subject, given))()),
    ),
  );
}

/** Well, or with an error that has a code. */
export async function ends(what: string, promise: Promise<unknown>): Promise<RocketMQError | undefined> {
  try {
    await within(what, promise, CALL_LIMIT_MS);
    return undefined;
  } catch (error) {
    if (error instanceof RocketMQError && ROCKETMQ_ERROR_CODES.includes(error.code)) return error;
    throw new Error(`${what} failed without a code`, { cause: error });
  }
}

export async function within<T>(what: string, promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} is still open after ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
