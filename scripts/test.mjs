// The tests of the project, as `npm test`, `npm run test:real` and `npm run test:soak` run them:
//
//   node scripts/test.mjs [--real | --soak] [arguments of vitest]
//
// Without `--project` among the arguments, the suites of the mode run one after the other and each gets the
// arguments; with it, vitest runs once with exactly these arguments. At the end stands what failed in any run, and
// the last line is the sum over all runs.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');

const given = process.argv.slice(2);
const real = given.includes('--real');
const soak = given.includes('--soak');
const passedOn = given.filter((argument) => argument !== '--real' && argument !== '--soak');
const projectChosen = passedOn.some(
  (argument) => argument === '--project' || argument.startsWith('--project='),
);

function runs() {
  const target = real ? 'real' : 'embedded';
  if (projectChosen) return [{ label: 'chosen tests', args: [], target: real ? 'real' : undefined }];
  if (soak) return [{ label: 'soak', args: ['--project', 'soak'], target: undefined }];
  // Tests on the real broker mostly wait for it: more of them at once than there are cores.
  const workers = real ? ['--maxWorkers=3'] : [];
  const withBroker = [
    { label: `conformance, ${target} RocketMQ`, args: ['--project', 'conformance', ...workers], target },
    { label: `end-to-end, ${target} RocketMQ`, args: ['--project', 'e2e'], target },
  ];
  return real ? withBroker : [{ label: 'unit', args: ['--project', 'unit'], target }, ...withBroker];
}

/** What is missing for tests on real RocketMQ; undefined when nothing is. */
function missingForReal() {
  if (process.env.ROCKETMQ_NAMESRV) return undefined;
  const runs = (command, argument) => spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;
  const tool = (name) => (process.env.JAVA_HOME ? join(process.env.JAVA_HOME, 'bin', name) : name);
  const missing = [];
  if (!runs(tool('java'), '-version')) missing.push(`Java 8 or newer ("${tool('java')}" does not run)`);
  // The programs that drive Java's client and mqadmin are compiled.
  else if (!runs(tool('javac'), '-version')) missing.push(`a JDK ("${tool('javac')}" does not run)`);
  if (!runs(process.platform === 'win32' ? 'mvn.cmd' : 'mvn', '-v'))
    missing.push('Maven ("mvn" does not run)');
  if (missing.length === 0) return undefined;
  return `Tests on real RocketMQ need ${missing.join(' and ')}.
Install what is missing (Debian: apt install openjdk-17-jdk-headless maven),
or set ROCKETMQ_NAMESRV=host:port to use a RocketMQ 5.3.0 that runs elsewhere,
or run the same suites on the embedded RocketMQ: npm test`;
}

let child;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = true;
    // On Ctrl-C the terminal tells vitest as well; a second signal would make it leave without cleaning up.
    if (signal === 'SIGTERM') child?.kill(signal);
  });
}

function runVitest(run, reportFile) {
  const args = [vitest, 'run', '--reporter=default', '--reporter=json'];
  // A path given for one suite matches nothing in the others.
  if (!projectChosen) args.push('--passWithNoTests');
  args.push(`--outputFile.json=${reportFile}`, ...run.args, ...passedOn);
  const env = { ...process.env, ...(run.target && { ROCKETMQ_TARGET: run.target }) };
  child = spawn(process.execPath, args, { cwd: root, env, stdio: 'inherit' });
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ? 1 : code)));
}

const sum = { passed: 0, skipped: 0 };
/** What failed, in all runs: where, and what was said of it. */
const failures = [];

function count(run, reportFile, exitCode) {
  const before = failures.length;
  const add = (file, test, message) =>
    failures.push({ where: [relative(root, file), test].filter(Boolean).join(' > '), message });
  try {
    const report = JSON.parse(readFileSync(reportFile, 'utf8'));
    sum.passed += report.numPassedTests;
    sum.skipped += report.numPendingTests + report.numTodoTests;
    for (const file of report.testResults) {
      const failed = file.assertionResults.filter((test) => test.status === 'failed');
      for (const test of failed) add(file.name, test.fullName, test.failureMessages.join('\n'));
      // A file that does not load, or fails in its preparation, may have no test that failed: it counts as one.
      if (file.status === 'failed' && failed.length === 0) add(file.name, '', file.message);
    }
  } catch {
    // No report: the run ended before it could write one, and its exit code tells so.
  }
  // A failure outside of tests fails the run without a failed test.
  if (exitCode !== 0 && failures.length === before)
    failures.push({ where: run.label, message: `vitest ended with code ${exitCode}; it says above why` });
}

/** Said again at the end: a suite that failed is thousands of lines further up, or cut off. */
function printFailures() {
  const MOST_LINES = 12;
  console.log(`\n=== ${failures.length} failed ===`);
  for (const { where, message } of failures) {
    const lines = stripVTControlCharacters(message).trimEnd().split('\n');
    const ours = lines.filter((line) => !/^\s+at .*node_modules/.test(line));
    const more = ours.length - MOST_LINES;
    console.log(`\n${where}`);
    for (const line of ours.slice(0, MOST_LINES)) console.log(`  ${line}`);
    if (more > 0) console.log(`  (${more} more lines)`);
  }
  console.log();
}

if (real) {
  const missing = missingForReal();
  if (missing !== undefined) {
    console.error(missing);
    process.exit(1);
  }
}

/** Where the two brokers are not held to the same, as the page of the suite lists it: a line each. */
function exceptions() {
  const page = readFileSync(join(root, 'conformance', 'README.md'), 'utf8');
  const chapter = page.split(/^## /m).find((part) => part.startsWith('Exceptions')) ?? '';
  const rows = chapter.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(1).map((row) =>
    row
      .split(' | ')
      .map((cell) => cell.replace(/^\| | \|$/g, ''))
      .join(': '),
  );
}

const folder = mkdtempSync(join(tmpdir(), 'dt-test-'));
let exitCode = 0;
for (const [index, run] of runs().entries()) {
  if (interrupted) break;
  console.log(`\n=== ${run.label} ===`);
  const reportFile = join(folder, `${index}.json`);
  const code = await runVitest(run, reportFile);
  count(run, reportFile, code);
  exitCode ||= code;
}
rmSync(folder, { recursive: true, force: true });

if (interrupted) console.log('\ninterrupted: not all tests were run');
if (!soak && !projectChosen) {
  const list = exceptions();
  console.log(`\n${list.length} exceptions in conformance, see conformance/README.md:`);
  for (const exception of list) console.log(`  ${exception}`);
}
if (!real && !soak && !projectChosen) {
  console.log('\nnot run: conformance and end-to-end on real RocketMQ (npm run test:real)');
  console.log('not run: soak tests (npm run test:soak)');
}
if (failures.length > 0) printFailures();
console.log(`${sum.passed} passed, ${failures.length} failed, ${sum.skipped} skipped`);
process.exitCode = interrupted ? exitCode || 130 : exitCode;
