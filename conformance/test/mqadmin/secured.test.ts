import { startBroker, uniqueName, type RunningBroker } from '@dt/testkit';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { certificates } from '../certificates.ts';
import { rocketmq } from '../support.ts';
import { changing, CLUSTER, reading } from './calls.ts';
import { openStage, type ProgramResult, runHere, runProgram, type Stage } from './stage.ts';

/** The rules of the containers, just as they are. */
const aclFile = fileURLToPath(new URL('../../../docker/plain_acl.yml', import.meta.url));
const operator = { accessKey: 'rocketmq-admin', secretKey: 'change-me-admin' };
const application = { accessKey: 'rocketmq', secretKey: 'rocketmq123' };
const WRONG_SECRET = 'not-the-secret';

const { caFile, client, server } = certificates;
const tlsEnv = {
  ROCKETMQ_TLS_CA: caFile,
  ROCKETMQ_TLS_CERT: client.certFile,
  ROCKETMQ_TLS_KEY: client.keyFile,
};
const keysEnv = ({ accessKey, secretKey } = operator): NodeJS.ProcessEnv => ({
  ROCKETMQ_ACCESS_KEY: accessKey,
  ROCKETMQ_SECRET_KEY: secretKey,
});
const tlsFlags = ['--tlsCa', caFile, '--tlsCert', client.certFile, '--tlsKey', client.keyFile];
const keyFlags = ({ accessKey, secretKey } = operator): string[] => [
  ...['--accessKey', accessKey, '--secretKey', secretKey],
];

// Rules and certificates are given to a broker at its start.
describe.skipIf(rocketmq.external)('a RocketMQ with access control that takes mutual TLS only', () => {
  let broker: RunningBroker;
  let stage: Stage;
  const own = uniqueName('own');

  beforeAll(async () => {
    broker = await startBroker(rocketmq.target, {
      aclFile,
      tls: { caFile, ...server, requireClientCertificate: true },
    });
    const [ca, cert, key] = await Promise.all(
      [caFile, client.certFile, client.keyFile].map((file) => readFile(file)),
    );
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('no certificates');
    stage = await openStage(broker.nameServer, broker.brokerAddress, {
      credentials: operator,
      tls: { ca, cert, key },
    });
  });
  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
    await broker?.close();
  });

  /** No secret is ever printed, and nothing that only a programmer reads. */
  function clean(result: ProgramResult): ProgramResult {
    const all = result.stdout + result.stderr;
    for (const { secretKey } of [operator, application, { secretKey: WRONG_SECRET }])
      expect(all).not.toContain(secretKey);
    expect(result.stderr).not.toMatch(/^\s+at |\.java:|\.ts:\d|node:/m);
    return result;
  }
  const run = async (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<ProgramResult> =>
    clean(await runHere(broker.nameServer, args, { env }));

  test.concurrent.each(reading)(
    'serves %s with account and certificates from the environment',
    (name, argsOf) => serves([name, ...argsOf({ ...stage, own })], { ...tlsEnv, ...keysEnv() }),
  );

  test.each(changing)('serves %s with account and certificates from flags', async (name, argsOf) => {
    await serves([name, ...argsOf({ ...stage, own }), ...tlsFlags, ...keyFlags()]);
    // A real broker can crash when a topic is deleted milliseconds after a message was stored in it.
    if (name === 'printMsg') await new Promise((resolve) => setTimeout(resolve, 1_500));
  });

  async function serves(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<void> {
    const { code, stdout, stderr } = await run(args, env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toBe('');
  }

  test('serves the program as it is called from a shell', async () => {
    const args = ['topicStatus', '-t', stage.topic];
    const env = { ...tlsEnv, ...keysEnv() };
    expect(clean(await runProgram(broker.nameServer, args, env))).toMatchObject({ code: 0, stderr: '' });
  });

  test.each<[string, NodeJS.ProcessEnv, string]>([
    ['no account', {}, 'No accessKey is configured'],
    [
      'a wrong secret',
      keysEnv({ ...operator, secretKey: WRONG_SECRET }),
      'Check signature failed for accessKey=rocketmq-admin',
    ],
    [
      'an unknown account',
      keysEnv({ accessKey: 'nobody', secretKey: WRONG_SECRET }),
      'No acl config for nobody',
    ],
    [
      'an account without the right',
      keysEnv(application),
      'Need admin permission for request code=17, but accessKey=rocketmq is not',
    ],
  ])('refuses %s', async (_, keys, reason) => {
    const topic = uniqueName('refused');
    const { code, stdout, stderr } = await run(['updateTopic', '-c', CLUSTER, '-t', topic], {
      ...tlsEnv,
      ...keys,
    });
    expect(stderr).toContain(`SYSTEM_ERROR (1): ${reason}\n  Give an account that may do this`);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(await stage.admin.topicList()).not.toContain(topic);
  });

  test('lets the application send to its topic alone', async () => {
    const topic = 'dt_settle';
    await stage.admin.createTopic({ topic });
    const env = { ...tlsEnv, ...keysEnv(application) };
    expect(await run(['sendMessage', '-t', topic, '-p', 'x'], env)).toMatchObject({ code: 0, stderr: '' });
    const refused = await run(['sendMessage', '-t', stage.topic, '-p', 'x'], env);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toContain(`No default permission for topic:${stage.topic}`);
  });

  test.each<[string, string[], number, string]>([
    ['without TLS', [], 1, 'one with TLS needs --tls'],
    ['without an authority to trust', ['--tls'], 1, 'the certificate of the server is refused'],
    [
      'with another authority',
      ['--tlsCa', certificates.strangerFile],
      1,
      'the certificate of the server is refused',
    ],
    ['without a certificate of ours', ['--tlsCa', caFile], 1, '--tlsCert with --tlsKey'],
    ['under another name', [...tlsFlags, '--tlsServername', 'mq.example.com'], 1, 'mq.example.com'],
    [
      'with half of a certificate',
      ['--tlsCert', client.certFile],
      2,
      'cert and key are only allowed together',
    ],
    ['with a file that is no certificate', ['--tlsCa', aclFile], 2, 'expected PEM'],
  ])('cannot be reached %s', async (_, flags, expected, reason) => {
    const { code, stdout, stderr } = await run(['clusterList', ...flags, ...keyFlags()]);
    expect(stderr).toContain(reason);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
  });
});
