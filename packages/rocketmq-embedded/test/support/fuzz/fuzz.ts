import { once } from 'node:events';
import net from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  createResponse,
  encodeCommand,
  FrameDecoder,
  isResponse,
  RequestCode,
  ResponseCode,
} from '@dt/rocketmq-protocol';
import { Random } from '@dt/testkit';
import { expect } from 'vitest';
import { recordingLogger } from '../recording-logger.ts';
import { startServer } from '../server.ts';
import { WireClient } from '../wire-client.ts';
import { fuzzCase, type FuzzCase } from './requests.ts';

/** Longer than any wait that a case asks for, on a machine with other work. */
const HANG_MS = 15_000;
/** No more of them are collected. */
const MAX_FAILURES = 3;
/** Requests under way on one connection. */
const AT_ONCE = 40;
/** Low, so that they are reached soon: then nothing may grow any more. */
const LIMITS = {
  maxTopics: 150,
  maxGroups: 100,
  maxTableEntries: 400,
  maxPopCheckpoints: 500,
  maxWaitingTimers: 500,
};
const MORE_LIMITS = { maxPendingTransactions: 500, maxConnections: 64 };

export interface FuzzOptions {
  cases: number;
  seed: number;
  acl?: string;
}

export interface FuzzResult {
  answered: number;
  closed: number;
  slowestHealthyMs: number;
  /** After garbage collection, from a tenth of the cases on. */
  heapGrowthBytes: number;
}

/**
 * Sends random requests to a server and holds it to: an answer to each or the end of its connection, nothing unexpected
 * in the log, a healthy client served all the while, tables within their limits. Throws with the seed of the round that
 * shows otherwise.
 */
export async function fuzz({ cases, seed, acl }: FuzzOptions): Promise<FuzzResult> {
  const logger = recordingLogger();
  const server = await startServer({
    ...{ logger, enablePropertyFilter: true, transactionCheckIntervalMs: 200, messageDelayLevel: '1s 2s' },
    ...{
      limits: { ...LIMITS, ...MORE_LIMITS },
      maxLogBytes: 64 * 1024 * 1024,
      segmentBytes: 8 * 1024 * 1024,
    },
    ...(acl !== undefined && { acl }),
  });
  const result: FuzzResult = { answered: 0, closed: 0, slowestHealthyMs: 0, heapGrowthBytes: 0 };
  const healthy = await WireClient.connect(server.brokerAddress);
  const addresses = { broker: server.brokerAddress, nameServer: server.nameServerAddress };
  if (acl === undefined) {
    // Before the tables are full.
    await healthy.createTopic('Healthy');
    await beHealthy(healthy, result);
  }
  const failures = new Set<string>();
  let heapFrom = 0;
  for (let done = 0, round = 0; done < cases; round++) {
    const random = new Random(seed + round);
    const count = Math.min(400, cases - done);
    const all = Array.from({ length: count }, (_, i) => fuzzCase(random, i + 1));
    const toBroker = all.filter((each) => !each.toNameServer);
    const toNameServer = all.filter((each) => each.toNameServer);
    try {
      const counts = await Promise.all([
        play(addresses.broker, toBroker),
        play(addresses.nameServer, toNameServer),
        acl === undefined ? beHealthy(healthy, result) : undefined,
      ]);
      for (const each of counts) {
        result.answered += each?.answered ?? 0;
        result.closed += each?.closed ?? 0;
      }
    } catch (error) {
      failures.add(`round ${round} (seed ${seed + round} alone): ${String(error)}`);
    }
    for (const { level, fields } of logger.lines.splice(0))
      if (level === 'error')
        failures.add(`round ${round}: code ${String(fields['code'])}: ${stackOf(fields['err'])}`);
    if (failures.size >= MAX_FAILURES) break;
    done += count;
    if (heapFrom === 0 && done >= cases / 10) heapFrom = collectedHeap();
  }
  result.heapGrowthBytes = collectedHeap() - heapFrom;
  expect([...failures]).toEqual([]);
  healthy.close();
  return result;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? String(error)) : String(error);
}

/** A message sent and pulled again, as by a client that knows nothing of the others. */
async function beHealthy(client: WireClient, result: FuzzResult): Promise<undefined> {
  const start = performance.now();
  const sent = await client.send({ topic: 'Healthy', properties: '' });
  expect(sent.code).toBe(ResponseCode.SUCCESS);
  const queueOffset = Number(sent.extFields['queueOffset']);
  const pulled = await client.pull({ topic: 'Healthy', consumerGroup: 'Healthy', queueOffset });
  expect(pulled.code).toBe(ResponseCode.SUCCESS);
  result.slowestHealthyMs = Math.max(result.slowestHealthyMs, performance.now() - start);
  return undefined;
}

/** Sends all cases, on a new connection whenever one was closed. */
async function play(
  address: string,
  cases: readonly FuzzCase[],
): Promise<{ answered: number; closed: number }> {
  let answered = 0;
  let closed = 0;
  for (let next = 0; next < cases.length;) {
    const player = await Player.connect(address);
    while (next < cases.length && !player.isClosed) {
      const group: FuzzCase[] = [];
      // What must end the connection is the last on it.
      while (group.length < AT_ONCE && next < cases.length) {
        const each = cases[next++] as FuzzCase;
        group.push(each);
        if (each.answer === undefined) break;
      }
      answered += await player.play(group);
      if (group.at(-1)?.answer === undefined) break;
    }
    await player.end();
    closed++;
  }
  return { answered, closed };
}

/** A connection that counts answers, and answers the server's own requests with nonsense. */
class Player {
  readonly #socket: net.Socket;
  readonly #decoder = new FrameDecoder();
  /** Codes by the number of the request. */
  readonly #waiting = new Map<number, number>();
  #wake: () => void = () => undefined;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => this.#wake());
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  static async connect(address: string): Promise<Player> {
    const [host = '', port] = address.split(':');
    const socket = net.connect(Number(port), host);
    await once(socket, 'connect');
    return new Player(socket);
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Answers that came; all of them, unless the connection was closed. */
  async play(cases: readonly FuzzCase[]): Promise<number> {
    for (const { answer, code } of cases) if (answer !== undefined) this.#waiting.set(answer, code);
    const asked = this.#waiting.size;
    this.#socket.write(Buffer.concat(cases.map(({ bytes }) => bytes)));
    await this.#until(
      () => this.#waiting.size === 0,
      () => `no answer to requests ${[...this.#waiting].join('; ')} (number, code)`,
    );
    const left = this.#waiting.size;
    this.#waiting.clear();
    return asked - left;
  }

  async end(): Promise<void> {
    this.#socket.end();
    await this.#until(
      () => this.#socket.destroyed,
      () => 'the connection was not closed',
    );
  }

  async #until(condition: () => boolean, complaint: () => string): Promise<void> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#wake();
    }, HANG_MS);
    while (!condition() && !this.#socket.destroyed) {
      if (late) throw new Error(complaint());
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    clearTimeout(timer);
  }

  #receive(chunk: Buffer): void {
    for (const command of this.#decoder.push(chunk)) {
      if (isResponse(command)) this.#waiting.delete(command.opaque);
      else if (command.code !== RequestCode.NOTIFY_CONSUMER_IDS_CHANGED)
        this.#socket.write(
          encodeCommand(createResponse(command, command.opaque % 3, { body: Buffer.from('{"x":') })),
        );
    }
    this.#wake();
  }
}

/** Bytes on the heap after a garbage collection. */
export function collectedHeap(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  return process.memoryUsage().heapUsed;
}
