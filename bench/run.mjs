// npm run bench -- NAME [--json]: builds what changed, runs bench/NAME.mjs, prints its table; with --json the last
// line is {"name", "results": [{"work", "value", "unit", "baseline", "ratio"}]}.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { formatResults, toJson } from './lib/report.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('..', import.meta.url));

function usage(problem) {
  const names = readdirSync(here)
    .filter((file) => file.endsWith('.mjs') && file !== 'run.mjs')
    .map((file) => file.slice(0, -'.mjs'.length));
  process.stderr.write(
    `${problem}\nusage: npm run bench -- NAME [--json] [--broker embedded|real]\nbenchmarks: ${names.join(', ')}\n`,
  );
  process.exit(2);
}

function readCall() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, broker: { type: 'string' } },
    });
    const [name] = positionals;
    if (positionals.length !== 1)
      usage(positionals.length === 0 ? 'which benchmark?' : 'one benchmark at a time');
    if (!/^[a-z-]+$/.test(name) || name === 'run' || !existsSync(`${here}${name}.mjs`))
      usage(`there is no benchmark '${name}'`);
    if (values.broker !== undefined && values.broker !== 'embedded' && values.broker !== 'real') {
      usage(`--broker takes embedded or real, not '${values.broker}'`);
    }
    return { name, ...values };
  } catch (error) {
    return usage(error.message);
  }
}

const { name, json, broker } = readCall();
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
  const results = await bench({ broker, say: (line) => process.stdout.write(`${line}\n`) });
  process.stdout.write(`\n${formatResults(results)}\n`);
  if (json) process.stdout.write(`${toJson(name, results)}\n`);
} catch (error) {
  process.stderr.write(`bench ${name}: ${error.stack ?? error}\n`);
  process.exitCode = 1;
}
