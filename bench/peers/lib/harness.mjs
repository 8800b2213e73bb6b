// What every Node peer does: reads what to do from its argument, does it, prints one line of JSON.
//
//   node NAME.mjs '{"work":"single","nameServer":"127.0.0.1:9876","topic":"t","count":100000,...}'
//
// The peers in Java and Go read and print the same.

import { cpuSecondsOfFamily } from '../../lib/processes.mjs';

/**
 * @typedef {object} Spec
 * @property {string} work
 * @property {string} nameServer
 * @property {string} [proxy] host:port of a gRPC proxy
 * @property {string} topic
 * @property {string} group
 * @property {number} count messages that are measured
 * @property {number} warmUp messages before them
 * @property {number} inFlight calls at a time
 * @property {number} sizeBytes of a body
 * @property {number} batchSize messages a batch
 */

/** @param {Record<string, (spec: Spec) => Promise<object>>} works */
export async function peer(works) {
  const spec = JSON.parse(process.argv[2]);
  const work = works[spec.work];
  if (work === undefined) throw new Error(`this client has nothing for '${spec.work}'`);
  const figures = await work(spec);
  process.stdout.write(
    `\n${JSON.stringify({ ...figures, rssBytes: process.resourceUsage().maxRSS * 1024 })}\n`,
    () => process.exit(0),
  );
}

/**
 * Wall and CPU time from now on.
 * @param {Record<string, number>} [watched] process ids by name: what they and their children use goes into `watched`
 */
export function stopwatch(watched = {}) {
  const used = () => Object.entries(watched).map(([name, pid]) => [name, cpuSecondsOfFamily(pid) ?? 0]);
  const before = used();
  const cpu = process.cpuUsage();
  const started = process.hrtime.bigint();
  return (messages) => {
    const { user, system } = process.cpuUsage(cpu);
    return {
      messages,
      seconds: Number(process.hrtime.bigint() - started) / 1e9,
      cpuSeconds: (user + system) / 1e6,
      watched: Object.fromEntries(used().map(([name, seconds], n) => [name, seconds - before[n][1]])),
    };
  };
}

/**
 * Calls `send` again and again, `inFlight` calls at a time.
 * @param {Spec} spec
 * @param {() => Promise<unknown>} send
 * @param {number} [messagesPerCall]
 */
export async function flood({ warmUp, count, inFlight }, send, messagesPerCall = 1) {
  const run = async (messages) => {
    let left = Math.ceil(messages / messagesPerCall);
    const caller = async () => {
      while (left-- > 0) await send();
    };
    await Promise.all(Array.from({ length: Math.ceil(inFlight / messagesPerCall) }, caller));
  };
  await run(warmUp);
  const stop = stopwatch();
  await run(count);
  return stop(Math.ceil(count / messagesPerCall) * messagesPerCall);
}

/** One call after the other; milliseconds of each. */
export async function oneByOne({ warmUp, count }, send) {
  for (let n = 0; n < warmUp; n++) await send();
  const samples = [];
  for (let n = 0; n < count; n++) {
    const started = process.hrtime.bigint();
    await send();
    samples.push(Number(process.hrtime.bigint() - started) / 1e6);
  }
  samples.sort((a, b) => a - b);
  const at = (part) => samples[Math.min(samples.length - 1, Math.floor(part * samples.length))];
  return { messages: count, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/**
 * Counts what a consumer is given: from the first message to the last of `count`.
 * @returns {{ seen: (messages: number) => void, done: Promise<object> }}
 */
export function counter({ count, watched }) {
  let received = 0;
  let stop;
  let finish;
  const done = new Promise((resolve) => (finish = resolve));
  const seen = (messages) => {
    // The first call starts the clock; what it brought was fetched before and does not count.
    if (stop === undefined) {
      stop = stopwatch(watched);
      received = 0;
      count -= messages;
      return;
    }
    received += messages;
    if (received >= count) finish(stop(received));
  };
  return { seen, done };
}
