// The engine of outbox and inbox: each piece of work beside the plain SQL that does the same, and beside other engines.
import { fileURLToPath } from 'node:url';
import { cpuMicros, median, rate } from './lib/figures.mjs';
import { prepareBusiness } from './lib/outbox/business.mjs';
import { fill, prepare } from './lib/outbox/tables.mjs';
import { measure, prepareEngines } from './lib/peers.mjs';
import { makeTopic } from './lib/rocketmq.mjs';
import { Stage } from './lib/stage.mjs';

const QUEUES = 8;
const CONNECTIONS = 16;
const FULL = {
  rounds: 3,
  rows: 100_000,
  waiting: 1_000_000,
  waves: 30,
  seconds: 3,
  idle: 300,
  engineRows: 20_000,
};
const QUICK = {
  rounds: 1,
  rows: 30_000,
  waiting: 200_000,
  waves: 20,
  seconds: 2,
  idle: 60,
  engineRows: 5_000,
};

const program = {
  name: 'outbox',
  command: [process.execPath, fileURLToPath(new URL('./lib/outbox/program.mjs', import.meta.url))],
};

export async function bench({ broker: wanted, quick, only, say }) {
  const wants = (part) => only === undefined || only.includes(part);
  const size = quick ? QUICK : FULL;
  if (quick) say(`--quick: ${JSON.stringify(size)} in place of ${JSON.stringify(FULL)}`);
  const stage = new Stage(say);
  const results = [];
  /** What fails takes no other part's figures along. */
  const measurePart = async (part, work) => {
    if (!wants(part)) return;
    try {
      results.push(...(await work()));
    } catch (error) {
      say(`${part} failed: ${error.stack ?? error}`);
      process.exitCode = 1;
    }
  };
  try {
    await stage.open();
    const run = new Run(stage, say, size);
    await run.open();
    await measurePart('null-sink', () => run.nullSink());
    await measurePart('waiting', () => run.waiting());
    await measurePart('snapshot', () => run.snapshot());
    await measurePart('enqueue', () => run.enqueue());
    await measurePart('engines', () => run.engines());
    if (wants('broker') || wants('latency')) await run.openBroker(wanted);
    await measurePart('broker', () => run.relayAndInbox());
    await measurePart('latency', () => run.latency());
    return results;
  } finally {
    await stage.close();
  }
}

const count = (number) => number.toLocaleString('en-US');
const plain = 'plain SQL that claims and marks batches of 1,000 over two connections';

class Run {
  #stage;
  #say;
  #size;
  #pool;
  #connection;
  #broker;
  #brokerName;
  #id = Date.now().toString(36);
  /** Rounds with `rows` waiting, kept for what is held against them. */
  #backlog;

  constructor(stage, say, size) {
    this.#stage = stage;
    this.#say = say;
    this.#size = size;
  }

  async open() {
    const { connection } = await this.#stage.database();
    this.#connection = connection;
    this.#pool = this.#stage.pool(connection, 4);
    await prepare(this.#pool);
    await prepareBusiness(this.#pool);
  }

  async openBroker(wanted) {
    this.#broker = await this.#stage.broker(wanted, { jvm: 'throughput' });
    this.#brokerName = this.#broker.target === 'real' ? 'RocketMQ 5.3.0' : 'the embedded broker';
  }

  async nullSink() {
    const { rounds, rows, waves } = this.#size;
    this.#say(`relay to a null sink, ${count(rows)} rows of 1 KB waiting, and 1,000`);
    const whole = { ours: [], plain: [] };
    const short = { ours: [], plain: [] };
    for (let round = 0; round < rounds; round++) {
      whole.ours.push(await this.#backlogOf('outbox', 'relayBacklog'));
      whole.plain.push(await this.#backlogOf('plain_outbox', 'plainBacklog'));
      const spec = { rows: 1_000, waves };
      await this.#pool.query('TRUNCATE outbox, plain_outbox');
      short.ours.push(await this.#work('relayWaves', spec));
      short.plain.push(await this.#work('plainWaves', spec));
    }
    this.#backlog = whole;
    const inOne = median(whole.ours, rate);
    return [
      {
        work: `relay to a null sink, ${count(rows)} waiting`,
        value: inOne,
        unit: 'rows/s',
        baseline: median(whole.plain, rate),
        against: plain,
        better: 'more',
        bar: {
          text: '>= 30,000 rows/s, ratio >= 0.5',
          isMet: (value, ratio) => value >= 30_000 && ratio >= 0.5,
        },
      },
      cpuRow(
        `relay to a null sink, ${count(rows)} waiting, CPU of relay and PostgreSQL`,
        whole.ours,
        whole.plain,
        plain,
      ),
      {
        work: 'relay to a null sink, 1,000 waiting',
        value: median(short.ours, rate),
        unit: 'rows/s',
        baseline: median(short.plain, rate),
        against: 'the same by one connection, wave by wave',
        better: 'more',
      },
      this.#near('relay to a null sink, 1,000 waiting, beside more', median(short.ours, rate)),
    ];
  }

  async waiting() {
    const { rows, waiting } = this.#size;
    this.#backlog ??= { ours: [await this.#backlogOf('outbox', 'relayBacklog')] };
    this.#say(`relay to a null sink, ${count(waiting)} rows waiting: the first half of them`);
    await fill(this.#pool, 'outbox', waiting);
    const figures = await this.#work('relayBacklog', { rows: waiting / 2 });
    await this.#pool.query('TRUNCATE outbox');
    await fill(this.#pool, 'plain_outbox', waiting);
    const plainFigures = await this.#work('plainBacklog', { rows: waiting / 2 });
    await this.#pool.query('TRUNCATE plain_outbox');
    const value = rate(figures);
    return [
      this.#near(`relay to a null sink, ${count(waiting)} waiting, beside less`, value),
      {
        work: `relay to a null sink, ${count(waiting)} waiting, beside plain SQL`,
        value,
        unit: 'rows/s',
        baseline: rate(plainFigures),
        against: `${plain}, with as many waiting`,
        better: 'more',
      },
      {
        work: `memory of the relay's process, ${count(waiting)} waiting`,
        value: figures.rssBytes / 1e6,
        unit: 'MB',
        baseline: median(this.#backlog.ours, ({ rssBytes }) => rssBytes / 1e6),
        against: `with ${count(rows)} waiting`,
        better: 'less',
        bar: { text: '< 150 MB, ratio <= 1.2', isMet: (value, ratio) => value < 150 && ratio <= 1.2 },
      },
    ];
  }

  async snapshot() {
    const { rounds, rows } = this.#size;
    this.#say('relay to a null sink while an old snapshot is held open, and without, in turn');
    const of = { held: [], free: [], plain: [] };
    for (let round = 0; round < rounds; round++) {
      of.held.push(await this.#underOldSnapshot(() => this.#backlogOf('outbox', 'relayBacklog')));
      of.free.push(await this.#backlogOf('outbox', 'relayBacklog'));
      of.plain.push(await this.#underOldSnapshot(() => this.#backlogOf('plain_outbox', 'plainBacklog')));
    }
    const work = `relay to a null sink, ${count(rows)} waiting, old snapshot held`;
    return [
      {
        work: `${work}, beside none`,
        value: median(of.held, rate),
        unit: 'rows/s',
        baseline: median(of.free, rate),
        against: 'without a snapshot',
        better: 'more',
        bar: { text: 'ratio >= 0.7', isMet: (_, ratio) => ratio >= 0.7 },
      },
      {
        work: `${work}, beside plain SQL`,
        value: median(of.held, rate),
        unit: 'rows/s',
        baseline: median(of.plain, rate),
        against: `${plain}, under a snapshot, too`,
        better: 'more',
      },
    ];
  }

  async enqueue() {
    const { rounds, seconds } = this.#size;
    this.#say(
      `business transactions over ${CONNECTIONS} connections: alone, with a message, prepared and not, with the row by hand`,
    );
    const of = { none: [], prepared: [], unprepared: [], plain: [] };
    for (let round = 0; round < rounds; round++) {
      for (const message of Object.keys(of)) {
        await this.#pool.query('TRUNCATE outbox, plain_outbox, transfers');
        await this.#pool.query('CHECKPOINT');
        of[message].push(await this.#work('business', { message, connections: CONNECTIONS, seconds }));
      }
    }
    const row = (work, figures, against, baseline) => ({
      work: `business transactions with ${work}, ${CONNECTIONS} connections`,
      value: median(figures, rate),
      unit: 'transactions/s',
      baseline: median(baseline, rate),
      against,
      better: 'more',
    });
    const alone = 'the same transaction without a message';
    return [
      {
        ...row('a message of 1 KB, prepared', of.prepared, alone, of.none),
        bar: { text: 'overhead <= 30 %: ratio >= 0.77', isMet: (_, ratio) => ratio >= 1 / 1.3 },
      },
      row('a message of 1 KB, not prepared', of.unprepared, alone, of.none),
      row(
        'a message of 1 KB, prepared, beside a row by hand',
        of.prepared,
        'the row written by hand, prepared',
        of.plain,
      ),
    ];
  }

  /** Every engine empties the same backlog into a handler that does nothing, each the fastest way it documents. */
  async engines() {
    const { rounds, engineRows: rows } = this.#size;
    this.#say(`${count(rows)} messages waiting, by each engine`);
    const engines = await prepareEngines(this.#say);
    const ours = [];
    const others = new Map(engines.map((engine) => [engine, []]));
    for (let round = 0; round < rounds; round++) {
      await fill(this.#pool, 'outbox', rows);
      ours.push(await this.#work('relayBacklog', { rows }));
      for (const [engine, figures] of others) {
        if (round > 0 && engine.share < 1) continue;
        try {
          const { connection, url } = await this.#stage.database();
          figures.push(await this.#work('drain', { connection, url, rows: rows * engine.share }, engine));
        } catch (error) {
          this.#say(`left out: ${engine.name} (${error.message.trim().split('\n').slice(0, 3).join(' ')})`);
          others.delete(engine);
        }
      }
    }
    return [...others].flatMap(([{ name, share }, figures]) => [
      {
        work: `${count(rows)} messages waiting, beside ${name}`,
        value: median(ours, rate),
        unit: 'messages/s',
        baseline: median(figures, rate),
        against: share === 1 ? name : `${name}, of ${count(rows * share)}`,
        better: 'more',
      },
      cpuRow(`${count(rows)} messages waiting, beside ${name}, CPU with PostgreSQL`, ours, figures, name),
    ]);
  }

  async relayAndInbox() {
    const { rounds, rows } = this.#size;
    this.#say(`relay to ${this.#brokerName} and from there into the inbox, ${count(rows)} messages of 1 KB`);
    const topic = await this.#topic('road');
    const relay = { ours: [], plain: [] };
    const inbox = { ours: [], plain: [] };
    // A broker compiles what it does often: what is not measured comes first.
    for (let round = -1; round < rounds; round++) {
      const relayed = await this.#backlogOf('outbox', 'relayBacklog', {
        ...this.#place(`relay-${round + 1}`),
        topic,
      });
      const group = `bench-${this.#id}-inbox-${round + 1}`;
      await this.#pool.query('TRUNCATE inbox, plain_inbox');
      await this.#pool.query('CHECKPOINT');
      const spec = { ...this.#place(group), topic, count: rows };
      const received = await this.#work('inboxFromBroker', spec);
      if (round < 0) continue;
      relay.ours.push(relayed);
      relay.plain.push(await this.#backlogOf('plain_outbox', 'plainBacklog'));
      inbox.ours.push(received);
      inbox.plain.push(await this.#work('plainInbox', spec));
    }
    const toBroker = `relay to ${this.#brokerName}`;
    const fromBroker = `inbox with a balance effect, from ${this.#brokerName}`;
    const plainInbox = 'plain SQL: inbox rows and balances in batches of 256 over four connections';
    return [
      {
        work: toBroker,
        value: median(relay.ours, rate),
        unit: 'rows/s',
        baseline: median(relay.plain, rate),
        against: plain,
        better: 'more',
        bar: { text: '>= 20,000 rows/s', isMet: (value) => value >= 20_000 },
      },
      cpuRow(`${toBroker}, CPU of all three`, relay.ours, relay.plain, plain),
      {
        work: fromBroker,
        value: median(inbox.ours, rate),
        unit: 'messages/s',
        baseline: median(inbox.plain, rate),
        against: plainInbox,
        better: 'more',
        bar: { text: '>= 20,000 messages/s', isMet: (value) => value >= 20_000 },
      },
      cpuRow(`${fromBroker}, CPU of all three`, inbox.ours, inbox.plain, plainInbox),
    ];
  }

  async latency() {
    const { idle, seconds } = this.#size;
    this.#say(`commit to committed effect over ${this.#brokerName}: idle, then 1,000 transactions a second`);
    await this.#pool.query('TRUNCATE outbox, inbox');
    const quiet = await this.#latencyOf('idleLatency', { count: idle, warmUp: 30 });
    await this.#pool.query('TRUNCATE outbox, inbox');
    const steady = await this.#latencyOf('steadyLatency', {
      perSecond: 1_000,
      seconds: seconds * 2,
      // The JVM of the broker compiles for so long.
      warmUpSeconds: 15,
    });
    const row = ({ whole, bare }, figure, mood, bar) => ({
      work: `commit to effect, ${mood}, ${figure.slice(0, 3)}`,
      value: whole[figure],
      unit: 'ms',
      baseline: bare[figure],
      against: 'send to handler on the same broker, without a database',
      better: 'less',
      ...(bar && { bar: { text: `<= ${bar} ms`, isMet: (value) => value <= bar } }),
    });
    return [
      row(quiet, 'p50Ms', 'idle', 10),
      row(quiet, 'p99Ms', 'idle'),
      row(steady, 'p50Ms', '1,000 rows/s'),
      row(steady, 'p99Ms', '1,000 rows/s', 50),
    ];
  }

  async #latencyOf(work, spec) {
    const [topic, bareTopic] = [await this.#topic(`${work}`), await this.#topic(`${work}_bare`)];
    return this.#work(work, { ...spec, ...this.#place(`bench-${this.#id}-${work}`), topic, bareTopic });
  }

  /** A backlog of `rows` that nobody has touched yet, and `work` that empties it. */
  async #backlogOf(table, work, spec = {}) {
    await fill(this.#pool, table, this.#size.rows, spec.topic);
    return this.#work(work, { ...spec, rows: this.#size.rows });
  }

  async #underOldSnapshot(work) {
    const holder = this.#stage.pool(this.#connection, 1);
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    // Sees the table, but none of the rows that come: what a backup that runs long leaves behind.
    await holder.query('SELECT count(*) FROM outbox_retention');
    try {
      return await work();
    } finally {
      await holder.query('ROLLBACK');
    }
  }

  /** One piece of work in a process of its own, with the CPU of all that took part. */
  async #work(work, spec, engine = program) {
    const figures = await measure(engine, {
      connection: this.#connection,
      watched: this.#watched(),
      ...spec,
      work,
    });
    this.#say(`  ${(engine === program ? work : engine.name).padEnd(29)} ${lineOf(figures)}`);
    return figures;
  }

  #watched() {
    return {
      PostgreSQL: this.#stage.postgresPid,
      ...(this.#broker?.brokerPid !== undefined && { broker: this.#broker.brokerPid }),
    };
  }

  #near(work, value) {
    return {
      work,
      value,
      unit: 'rows/s',
      baseline: median(this.#backlog.ours, rate),
      against: `with ${count(this.#size.rows)} waiting`,
      better: 'more',
      bar: { text: 'within 20 %', isMet: (_, ratio) => ratio >= 0.8 && ratio <= 1.25 },
    };
  }

  #place(group) {
    return { nameServer: this.#broker.nameServer, group: `bench-${this.#id}-${group}` };
  }

  async #topic(name) {
    const topic = `bench_${this.#id}_${name}`;
    await makeTopic(this.#broker.nameServer, topic, QUEUES);
    return topic;
  }
}

/** Of the process and of all that took part. */
const allCpuMicros = ({ messages, cpuSeconds, watched }) =>
  cpuMicros({
    messages,
    cpuSeconds: Object.values(watched).reduce((sum, seconds) => sum + seconds, cpuSeconds),
  });

function cpuRow(work, ours, baseline, against) {
  return {
    work,
    value: median(ours, allCpuMicros),
    unit: 'us/row',
    baseline: median(baseline, allCpuMicros),
    against,
    better: 'less',
  };
}

function lineOf(figures) {
  if (figures.whole !== undefined) {
    const times = ({ p50Ms, p99Ms }) => `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`;
    return `${times(figures.whole)}; broker alone ${times(figures.bare)}`;
  }
  const { messages, cpuSeconds, watched, rssBytes } = figures;
  const micros = (name, seconds) => `${name} ${cpuMicros({ messages, cpuSeconds: seconds }).toFixed(1)} us`;
  return [
    `${count(Math.round(rate(figures))).padStart(8)}/s`,
    micros('Node', cpuSeconds),
    ...Object.entries(watched).map(([name, seconds]) => micros(name, seconds)),
    `${Math.round(rssBytes / 1e6)} MB`,
  ].join(', ');
}
