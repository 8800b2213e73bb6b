// npm run bench -- NAME [--json]: builds what changed, runs bench/NAME.mjs, prints its table; with --json the last
// line is {"name", "results": [{"work", "value", "unit", "baseline", "ratio"}]}. What goes on is told on stderr.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatResults, toJson } from './lib/report.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

const BENCHMARKS = {
  road: { about: 'bets, settlement, outbox, broker, inbox: the main road', minutes: 2, flags: ['broker'] },
  outbox: {
    about: 'the engine of outbox and inbox beside plain SQL and other engines',
    minutes: 6,
    flags: ['broker', 'quick', 'only'],
    parts: ['null-sink', 'waiting', 'snapshot', 'enqueue', 'engines', 'broker', 'latency'],
  },
  client: { about: 'the client beside other clients of RocketMQ', minutes: 10, flags: ['broker'] },
  broker: { about: 'the embedded broker beside RocketMQ 5.3.0', minutes: 10, flags: [] },
};

const HELP = `usage: npm run bench -- NAME [--json] [flags]

benchmarks, and how long each takes on two idle cores
${Object.entries(BENCHMARKS)
  .map(([name, { about, minutes }]) => `  ${name.padEnd(9)}${about} (${minutes} min)`)
  .join('\n')}

flags
  --json                  the last line of the output is JSON, for machines
  --broker embedded|real  which broker (road, outbox, client); else the real one where Java is
  --quick                 a tenth of the work: to see that it runs, not to compare (outbox)
  --only PART,...         some parts alone (outbox): ${BENCHMARKS.outbox.parts.join(', ')}
  --help                  this text

A table with the baseline of each figure goes to stdout, progress to stderr. ROCKETMQ_NAMESRV=host:port names a RocketMQ
that runs already; else one is started where Java and Maven are. Everything that was started is stopped and deleted.

examples
  npm run bench -- outbox
  npm run bench -- outbox --quick --only null-sink,broker
  npm run bench -- road --broker embedded --json | tail -1
`;

function usage(problem) {
  process.stderr.write(`${problem}\n\n${HELP}`);
  process.exit(2);
}

function readCall() {
  const { name, flags } = parse();
  for (const flag of ['broker', 'quick', 'only']) {
    if (flags[flag] !== undefined && !BENCHMARKS[name].flags.includes(flag))
      usage(`${name} takes no --${flag}`);
  }
  if (flags.broker !== undefined && flags.broker !== 'embedded' && flags.broker !== 'real') {
    usage(`--broker takes embedded or real, not '${flags.broker}'`);
  }
  const only = flags.only?.split(',');
  const unknown = only?.find((part) => !BENCHMARKS[name].parts.includes(part));
  if (unknown !== undefined) usage(`--only takes parts of ${name}, and there is no '${unknown}'`);
  return { name, ...flags, only };
}

function parse() {
  try {
    const { values: flags, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        broker: { type: 'string' },
        quick: { type: 'boolean' },
        only: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (flags.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const [name] = positionals;
    if (positionals.length !== 1)
      usage(positionals.length === 0 ? 'which benchmark?' : 'one benchmark at a time');
    if (!Object.hasOwn(BENCHMARKS, name)) usage(`there is no benchmark '${name}'`);
    return { name, flags };
  } catch (error) {
    return usage(error.message);
  }
}

const { name, json, ...options } = readCall();
const build = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (build.status !== 0) {
  process.stderr.write('the build failed; see above\n');
  process.exit(1);
}
// Errors are shown here and not left to Node, so that what a benchmark started is stopped first.
try {
  const { bench } = await import(`./${name}.mjs`);
  const results = await bench({ ...options, say: (line) => process.stderr.write(`${line}\n`) });
  process.stdout.write(`\n${formatResults(results)}\n`);
  if (json) process.stdout.write(`${toJson(name, results)}\n`);
} catch (error) {
  process.stderr.write(`bench ${name}: ${error.stack ?? error}\n`);
  process.exitCode = 1;
}
