// Clients of RocketMQ side by side: each in a process of its own, in turn, against the same broker.
import { cpuMicros, line, median, rate } from './lib/figures.mjs';
import { measure, preparePeers } from './lib/peers.mjs';
import { startProxy } from './lib/proxy.mjs';
import { fill, makeTopic } from './lib/rocketmq.mjs';
import { Stage } from './lib/stage.mjs';

const ROUNDS = 3;
const QUEUES = 8;
const BATCH = 32;

const sends = { sizeBytes: 1024, inFlight: 256, batchSize: BATCH, warmUp: 20_000, count: 60_000 };
const batches = { ...sends, inFlight: 8 * BATCH, warmUp: 64_000, count: 256_000 };
/** Slow ones get less to do: what counts is the rate. */
const slow = { warmUp: 2_000, count: 10_000 };
const backlog = { sizeBytes: 256, count: 1_000_000 };

export async function bench({ broker: wanted, say }) {
  const stage = new Stage(say);
  try {
    const peers = await preparePeers({ say, defer: (close) => stage.defer(close) });
    const broker = await stage.broker(wanted, { jvm: 'throughput' });
    const run = new Run(stage, broker, peers, say);
    return [
      ...(await run.sending()),
      ...(await run.batching()),
      ...(await run.latency()),
      ...(await run.memory()),
      ...(await run.consuming()),
    ];
  } finally {
    await stage.close();
  }
}

class Run {
  #stage;
  #broker;
  #peers;
  #say;
  #id = Date.now().toString(36);
  #topics = 0;

  constructor(stage, broker, peers, say) {
    this.#stage = stage;
    this.#broker = broker;
    this.#peers = peers;
    this.#say = say;
  }

  async sending() {
    const proxy = await this.#proxy();
    const topic = await this.#topic();
    const of = await this.#inTurn(
      'single',
      ['ours', 'bare', 'aliOns', 'java', 'go', ...(proxy ? ['official'] : [])],
      {
        ...sends,
        topic,
        proxy,
      },
    );
    const linger = await this.#inTurn('linger', ['ours'], {
      ...sends,
      warmUp: 100_000,
      count: 400_000,
      topic,
    });
    return [
      ...this.#ratios('single sends, 256 in flight', of),
      ...this.#ratios('automatic batching, the same calls', { ours: linger.ours, single: of.ours }),
    ];
  }

  async batching() {
    const of = await this.#inTurn('batch', ['ours', 'bare', 'java', 'go'], {
      ...batches,
      topic: await this.#topic(),
    });
    return this.#ratios(`batches of ${BATCH}`, of);
  }

  async latency() {
    const topic = await this.#topic();
    const of = await this.#inTurn('latency', ['ours', 'bare'], {
      ...sends,
      warmUp: 2_000,
      count: 4_000,
      topic,
    });
    return ['p50Ms', 'p99Ms'].map((figure) => ({
      work: `one send at a time, ${figure.slice(0, 3)}`,
      value: median(of.ours, (figures) => figures[figure]),
      unit: 'ms',
      baseline: median(of.bare, (figures) => figures[figure]),
      against: 'bare socket',
      better: 'less',
    }));
  }

  async memory() {
    const topic = await this.#topic();
    const spec = { ...sends, warmUp: 0, inFlight: 10_000, count: 100_000, topic };
    const of = await this.#inTurn('single', ['ours', 'bare'], spec, 1);
    return [this.#peak('peak memory, 10,000 sends in flight', of)];
  }

  async consuming() {
    const topic = await this.#topic();
    this.#say(`a backlog of ${backlog.count.toLocaleString('en-US')} messages of ${backlog.sizeBytes} bytes`);
    await fill(this.#broker.nameServer, topic, backlog, this.#say);
    const spec = { ...backlog, topic };
    const of = await this.#inTurn('consume', ['ours', 'bare', 'aliOns', 'java', 'go'], spec);
    const orderly = await this.#inTurn('orderly', ['ours'], spec);
    return [
      ...this.#ratios('push consumer, 256 B backlog', of),
      ...this.#ratios('orderly consumer, a handler call a batch', {
        ours: orderly.ours,
        concurrent: of.ours,
      }),
      this.#peak('peak memory, consuming that backlog', of),
    ];
  }

  /** Every client does the work once a round, so that all meet the machine in the same mood. */
  async #inTurn(work, names, spec, rounds = ROUNDS) {
    const results = {};
    for (let round = 0; round < rounds; round++) {
      for (const name of names) {
        const peer = this.#peers[name];
        if (!peer?.works.includes(work)) continue;
        const less = name === 'official' ? slow : {};
        const group = `bench-${this.#id}-${name}-${work}-${round}`.toLowerCase();
        const whole = { ...spec, ...less, work, group, nameServer: this.#broker.nameServer };
        try {
          const figures = await measure(peer, whole);
          (results[name] ??= []).push(figures);
          this.#say(`  ${work.padEnd(8)} ${peer.name.padEnd(24)} ${line(figures)}`);
        } catch (error) {
          if (name === 'ours' || name === 'bare') throw error;
          this.#say(`  ${work.padEnd(8)} ${peer.name.padEnd(24)} failed: ${error.message}`);
        }
      }
    }
    return results;
  }

  /** Our rate and our CPU beside those of each other client. */
  #ratios(work, { ours, ...others }) {
    const nameOf = (name) => this.#peers[name]?.name ?? name;
    return Object.entries(others).flatMap(([name, figures]) => [
      {
        work,
        value: median(ours, rate),
        unit: 'messages/s',
        baseline: median(figures, rate),
        against: nameOf(name),
        better: 'more',
      },
      {
        work: `${work}, client CPU`,
        value: median(ours, cpuMicros),
        unit: 'us/message',
        baseline: median(figures, cpuMicros),
        against: nameOf(name),
        better: 'less',
      },
    ]);
  }

  #peak(work, { ours, bare }) {
    return {
      work,
      value: median(ours, (figures) => figures.rssBytes / 1e6),
      unit: 'MB',
      baseline: median(bare, (figures) => figures.rssBytes / 1e6),
      against: 'bare socket',
      better: 'less',
    };
  }

  async #topic() {
    const topic = `bench_client_${this.#id}_${++this.#topics}`;
    await makeTopic(this.#broker.nameServer, topic, QUEUES);
    return topic;
  }

  async #proxy() {
    if (this.#peers.official === undefined || this.#broker.target !== 'real') return undefined;
    try {
      return await startProxy(this.#stage, this.#broker.nameServer);
    } catch (error) {
      this.#say(`left out: the official client (its proxy did not start: ${error.message})`);
      return undefined;
    }
  }
}
