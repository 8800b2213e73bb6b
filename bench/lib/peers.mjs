// The clients of other makers, each a program with the same argument and answer. What is missing on this machine is
// left out with a line that says so.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../peers/', import.meta.url));
const answersWithin = 300_000;

const node = (file) => [process.execPath, join(folder, file)];

/** Runs a tool to its end; its output is shown when it fails. */
function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr + stdout}`);
}

const has = (command, argument) => spawnSync(command, [argument], { stdio: 'ignore' }).status === 0;

/** @typedef {{ name: string, command: string[], works: string[] }} Peer */

/**
 * Our client, the bare socket, and of `wanted` what can be made to run here.
 * @param {{ say: (line: string) => void, defer: (close: () => unknown) => void }} stage
 * @param {('npm' | 'java' | 'go')[]} [wanted]
 * @returns {Promise<Record<string, Peer>>}
 */
export async function preparePeers({ say, defer }, wanted = ['npm', 'java', 'go']) {
  const peers = {
    ours: {
      name: '@dt/rocketmq-client',
      command: node('ours.mjs'),
      works: ['single', 'linger', 'batch', 'latency', 'consume', 'orderly'],
    },
    bare: {
      name: 'bare socket',
      command: node('bare.mjs'),
      works: ['single', 'batch', 'latency', 'consume'],
    },
  };
  const attempt = async (kind, what, work) => {
    if (!wanted.includes(kind)) return;
    try {
      const missing = await work();
      if (missing !== undefined) say(`left out: ${what} (${missing})`);
    } catch (error) {
      say(`left out: ${what} (${error.message.trim().split('\n').at(-1)})`);
    }
  };
  await attempt('npm', 'ali-ons and the official client', async () => {
    installNpmPeers('ali-ons');
    peers.aliOns = { name: 'ali-ons', command: node('ali-ons.mjs'), works: ['single', 'consume'] };
    peers.official = { name: 'rocketmq-client-nodejs', command: node('official.mjs'), works: ['single'] };
  });
  await attempt('java', 'the Java client', async () => {
    if (!has('java', '-version') || !has('mvn', '-v')) return 'needs Java and Maven';
    const target = join(folder, 'java', 'target');
    const classPathFile = join(target, 'classpath.txt');
    run(
      'mvn',
      ['-q', '-B', 'compile', 'dependency:build-classpath', `-Dmdep.outputFile=${classPathFile}`],
      join(folder, 'java'),
    );
    const home = await mkdtemp(join(tmpdir(), 'dt-bench-java-'));
    defer(() => rm(home, { recursive: true, force: true }));
    const classPath = [join(target, 'classes'), (await readFile(classPathFile, 'utf8')).trim()].join(':');
    peers.java = {
      name: 'Java client 5.3.0',
      // Its log goes to the home folder.
      command: ['java', '-Xms512m', '-Xmx512m', `-Duser.home=${home}`, '-cp', classPath, 'bench.Peer'],
      works: ['single', 'batch', 'consume'],
    };
  });
  await attempt('go', 'the Go client', async () => {
    if (!has('go', 'version')) return 'needs Go';
    const out = await mkdtemp(join(tmpdir(), 'dt-bench-go-'));
    defer(() => rm(out, { recursive: true, force: true }));
    run('go', ['build', '-o', join(out, 'peer'), '.'], join(folder, 'go'));
    peers.go = {
      name: 'Go client 2.1.2',
      command: [join(out, 'peer')],
      works: ['single', 'batch', 'consume'],
    };
  });
  return peers;
}

/**
 * Other engines of outboxes and queues on PostgreSQL, for Node. `share`: the part of the messages that one gets which is
 * so slow that all of them would take minutes; what counts is the rate.
 * @returns {Promise<(Peer & { share: number })[]>}
 */
export async function prepareEngines(say) {
  try {
    installNpmPeers('pg-boss');
  } catch (error) {
    say(`left out: the other engines (${error.message.trim().split('\n').at(-1)})`);
    return [];
  }
  const engine = (name, share) => ({
    name: `${name} ${versionOf(name)}`,
    command: node(`engines/${name}.mjs`),
    works: ['drain'],
    share,
  });
  return [engine('pg-boss', 1), engine('graphile-worker', 1), engine('pg-transactional-outbox', 0.05)];
}

const versionOf = (name) =>
  JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;

/** Installs the lock file of the peers unless one of its packages is there. */
function installNpmPeers(sample) {
  if (existsSync(join(folder, 'node_modules', sample))) return;
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], folder);
}

/**
 * One piece of work by one client in a process of its own.
 * @param {Peer} peer
 * @param {object} spec as in peers/lib/harness.mjs
 */
export function measure(peer, spec) {
  const [command, ...args] = peer.command;
  const child = spawn(command, [...args, JSON.stringify(spec)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name]
      .setEncoding('utf8')
      .on('data', (text) => (output[name] = (output[name] + text).slice(-20_000)));
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), answersWithin);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      const last = output.stdout.trim().split('\n').at(-1);
      try {
        resolve(JSON.parse(last));
      } catch {
        reject(new Error(`${peer.name}, ${spec.work}: ended with ${code}\n${output.stderr}${output.stdout}`));
      }
    });
  });
}
