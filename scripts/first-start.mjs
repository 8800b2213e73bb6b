// Does what a new user does first, and holds it to its promise: `npm start` on an empty folder settles a round
// within 20 s, `npx dt sql` sees its rows sent and applied, and Ctrl-C ends everything cleanly.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const promiseMs = 20_000;
const data = mkdtempSync(join(tmpdir(), 'dt-first-start-'));
const started = performance.now();
const seconds = () => `${((performance.now() - started) / 1000).toFixed(1)} s`;

// Its own process group: the Ctrl-C below reaches npm, its shell and the server together, as a terminal's does.
const server = spawn('npm', ['start', '--', '--data-dir', data], {
  detached: true,
  stdio: ['ignore', 'pipe', 'pipe'],
});
const exited = new Promise((resolve) => server.once('exit', (code, signal) => resolve({ code, signal })));
let output = '';
let settled = false;
for (const stream of [server.stdout, server.stderr]) {
  stream.setEncoding('utf8').on('data', (text) => {
    output += text;
    process.stdout.write(text);
    settled ||= /^\[INFO\] round settled .*/m.test(output);
  });
}

function sql(statement) {
  const run = spawnSync('npx', ['dt', 'sql', '--json', '--data-dir', data, statement], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`dt sql failed (${run.status}): ${run.stderr}`);
  return JSON.parse(run.stdout);
}

async function check() {
  while (!settled && performance.now() - started < promiseMs && server.exitCode === null) await pause(100);
  if (!settled) throw new Error(`no round settled within ${promiseMs / 1000} s of the start`);
  process.stdout.write(`first round settled after ${seconds()}\n`);

  const waiting = () => sql('SELECT count(*) AS n FROM outbox WHERE status = 0')[0].n;
  for (let tries = 0; waiting() !== '0' && tries < 20; tries += 1) await pause(500);
  const [rows] = sql(`SELECT count(*) FILTER (WHERE o.status = 1 AND o.sent_at IS NOT NULL) AS sent,
                             count(i.message_key) FILTER (WHERE i.status = 1) AS applied
                        FROM outbox o LEFT JOIN inbox i USING (message_key)
                       WHERE o.created_at < now() - interval '3 seconds'`);
  if (rows.sent === '0' || rows.sent !== rows.applied) {
    throw new Error(`outbox and inbox do not match: ${JSON.stringify(rows)}`);
  }
  process.stdout.write(`outbox rows sent ${rows.sent}, inbox rows applied ${rows.applied}\n`);
}

let failure;
try {
  await check();
} catch (error) {
  failure = error;
}
const stopping = performance.now();
if (server.exitCode === null) process.kill(-server.pid, 'SIGINT');
const timer = setTimeout(() => process.kill(-server.pid, 'SIGKILL'), 25_000);
const { code, signal } = await exited;
clearTimeout(timer);
process.stdout.write(`stopped after ${((performance.now() - stopping) / 1000).toFixed(1)} s\n`);
// npm itself ends with the signal it got; what counts is that the server came to its end by itself.
const isClean =
  output.trimEnd().endsWith('[INFO] stopped') && (code === 0 || code === 130 || signal === 'SIGINT');
if (failure === undefined && !isClean)
  failure = new Error(`npm start ended with ${code ?? signal}, not cleanly`);
rmSync(data, { recursive: true, force: true });
if (failure !== undefined) {
  process.stderr.write(`first start: ${failure.message}\n`);
  process.exitCode = 1;
} else {
  process.stdout.write('first start: good\n');
}
