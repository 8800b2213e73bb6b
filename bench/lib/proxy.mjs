// RocketMQ's own gRPC proxy in front of the broker: the only way in for the official Node client.
import { spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@dt/testkit';

const pom = fileURLToPath(new URL('../peers/proxy/pom.xml', import.meta.url));
const startsWithin = 60_000;

/** @returns {Promise<string>} host:port for gRPC */
export async function startProxy(stage, nameServer) {
  const home = await mkdtemp(join(tmpdir(), 'dt-bench-proxy-'));
  stage.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const classPathFile = join(home, 'classpath.txt');
  const maven = spawnSync(
    'mvn',
    ['-q', '-B', '-f', pom, 'dependency:build-classpath', `-Dmdep.outputFile=${classPathFile}`],
    { encoding: 'utf8' },
  );
  if (maven.status !== 0) throw new Error(maven.error?.message ?? maven.stdout.trim());
  const grpcServerPort = await findFreePort();
  await mkdir(join(home, 'conf'));
  await writeFile(
    join(home, 'conf', 'rmq-proxy.json'),
    JSON.stringify({
      rocketMQClusterName: 'DefaultCluster',
      namesrvAddr: nameServer,
      grpcServerPort,
      remotingListenPort: await findFreePort(),
    }),
  );
  const args = [
    '-Xms512m',
    '-Xmx512m',
    `-Duser.home=${home}`,
    '-cp',
    (await readFile(classPathFile, 'utf8')).trim(),
    'org.apache.rocketmq.proxy.ProxyStartup',
    '-pm',
    'cluster',
  ];
  const child = spawn('java', args, {
    env: { ...process.env, RMQ_PROXY_HOME: home, ROCKETMQ_HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => (output = (output + chunk).slice(-4000)));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  stage.defer(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  for (const deadline = Date.now() + startsWithin; ;) {
    if (child.exitCode !== null) throw new Error(output.trim().split('\n', 1)[0]);
    if (output.includes('startup successfully') && (await answers(grpcServerPort)))
      return `127.0.0.1:${grpcServerPort}`;
    if (Date.now() > deadline) throw new Error('not ready within a minute');
    await pause(200);
  }
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
