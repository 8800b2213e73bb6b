// The embedded broker beside the real one on the same machine: every figure of the first, with the second's as baseline.
import { cpuMicros, line, median, rate } from './lib/figures.mjs';
import { measure, preparePeers } from './lib/peers.mjs';
import { timed } from './lib/report.mjs';
import { fill, makeTopic } from './lib/rocketmq.mjs';
import { cpuSecondsOf, memoryOf } from './lib/processes.mjs';
import { Stage } from './lib/stage.mjs';

const ROUNDS = 3;
const QUEUES = 8;
const targets = ['embedded', 'real'];

const single = { work: 'single', sizeBytes: 1024, inFlight: 256, warmUp: 20_000, count: 60_000 };
const batch = { ...single, work: 'batch', batchSize: 32, warmUp: 64_000, count: 256_000 };
const backlog = { sizeBytes: 1024, count: 1_000_000 };

export async function bench({ broker: wanted, say }) {
  if (wanted !== undefined) throw new Error('this one measures both brokers: call it without --broker');
  const stage = new Stage(say);
  try {
    const peers = await preparePeers({ say, defer: (close) => stage.defer(close) }, ['java']);
    const brokers = {};
    for (const target of targets) brokers[target] = await stage.broker(target, { jvm: 'throughput' });
    const run = new Run(brokers, peers, say);
    return [
      ...(await run.starts('an empty store')),
      ...run.memory('an empty store'),
      ...(await run.work(single, 'single 1 KB sends, 256 in flight')),
      ...(await run.work(batch, 'batch sends of 32')),
      ...(await run.backlog()),
    ];
  } finally {
    await stage.close();
  }
}

class Run {
  #brokers;
  #peers;
  #say;
  #id = Date.now().toString(36);
  #groups = 0;

  constructor(brokers, peers, say) {
    this.#brokers = brokers;
    this.#peers = peers;
    this.#say = say;
  }

  /** From the start of the process until the NameServer lists the broker, after an ordered stop. */
  async starts(store) {
    const of = {};
    for (let round = 0; round < ROUNDS; round++) {
      for (const target of targets) {
        const broker = this.#brokers[target];
        await broker.stopBroker();
        const ms = await timed(() => broker.startBroker());
        (of[target] ??= []).push(ms);
        this.#say(`  start    ${target.padEnd(9)} ${Math.round(ms)} ms`);
      }
    }
    return [this.#row(`start to registered, ${store}`, 'ms', of, (ms) => ms, 'less')];
  }

  memory(store) {
    const of = {};
    for (const target of targets) of[target] = [memoryOf(this.#brokers[target].brokerPid)];
    if (of.embedded[0] === undefined) return [];
    return [this.#row(`broker memory, ${store}`, 'MB', of, (bytes) => bytes / 1e6, 'less')];
  }

  /** The same by our client and by Java's, broker by broker in turn. */
  async work(spec, what, topic = `bench_broker_${spec.work}`) {
    for (const target of targets) await makeTopic(this.#brokers[target].nameServer, topic, QUEUES);
    const rows = [];
    for (const name of ['ours', 'java']) {
      const peer = this.#peers[name];
      if (peer === undefined) continue;
      const of = {};
      for (let round = 0; round < ROUNDS; round++) {
        for (const target of targets) {
          const { nameServer, brokerPid } = this.#brokers[target];
          const group = `bench-${this.#id}-${++this.#groups}`;
          const before = cpuSecondsOf(brokerPid);
          const figures = await measure(peer, { ...spec, topic, group, nameServer });
          const after = cpuSecondsOf(brokerPid);
          const all = { messages: figures.messages + (spec.warmUp ?? 0), cpuSeconds: after - before };
          (of[target] ??= []).push({ ...figures, broker: all });
          this.#say(
            `  ${spec.work.padEnd(8)} ${target.padEnd(9)} ${peer.name.padEnd(20)} ${line(figures)}; ` +
              `broker ${cpuMicros(all).toFixed(2)} us CPU`,
          );
        }
      }
      rows.push(this.#row(`${what}, ${peer.name}`, 'messages/s', of, rate, 'more'));
      if (!Number.isNaN(of.embedded[0].broker.cpuSeconds)) {
        const cpu = (figures) => cpuMicros(figures.broker);
        rows.push(this.#row(`${what}, ${peer.name}, broker CPU`, 'us/message', of, cpu, 'less'));
      }
    }
    return rows;
  }

  async backlog() {
    const topic = `bench_broker_backlog`;
    const waiting = `${backlog.count.toLocaleString('en-US')} x 1 KB waiting`;
    for (const target of targets) {
      this.#say(`${waiting}: ${target}`);
      await makeTopic(this.#brokers[target].nameServer, topic, QUEUES);
      await fill(this.#brokers[target].nameServer, topic, backlog, this.#say);
    }
    return [
      ...this.memory(waiting),
      ...(await this.starts(waiting)),
      ...(await this.work({ ...backlog, work: 'consume' }, `consumption, ${waiting}`, topic)),
      ...this.memory('after that was consumed'),
    ];
  }

  #row(work, unit, of, figure, better) {
    return {
      work,
      value: median(of.embedded, figure),
      unit,
      baseline: median(of.real, figure),
      against: 'RocketMQ 5.3.0',
      better,
    };
  }
}
