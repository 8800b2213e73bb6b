import { runMqadmin } from '@dt/mqadmin';
import { Admin, type ClientOptions, Producer, PushConsumer, type SendResult } from '@dt/rocketmq-client';
import { eventually, uniqueName } from '@dt/testkit';
import { execFile } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The first answer with its figures took a real broker five seconds on a machine with much other work. */
const patience = ['--timeout', '30000'];

export const program = fileURLToPath(new URL('../../../packages/mqadmin/bin/mqadmin.js', import.meta.url));

export interface ProgramResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs our mqadmin as a process of its own. */
export function runProgram(
  nameServer: string,
  args: readonly string[],
  more: NodeJS.ProcessEnv = {},
): Promise<ProgramResult> {
  const env = { ...process.env, ...more, NAMESRV_ADDR: nameServer };
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [program, ...args, ...patience],
      { env, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) resolve({ code: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
        else reject(new Error(`mqadmin ${args.join(' ')}: no exit code`, { cause: error }));
      },
    );
    child.stdin?.end();
  });
}

/**
 * Runs our mqadmin within this process, which starts in no time. With an answer it has a terminal, where that is typed
 * when it asks.
 */
export async function runHere(
  nameServer: string,
  args: readonly string[],
  { env = {}, answer }: { env?: NodeJS.ProcessEnv; answer?: string } = {},
): Promise<ProgramResult> {
  const screen = (): PassThrough & { isTTY: boolean } =>
    Object.assign(new PassThrough(), { isTTY: answer !== undefined });
  const terminal = { stdin: screen(), stdout: screen(), stderr: screen() };
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    terminal[name].on('data', (chunk: Buffer) => {
      written[name] += chunk.toString();
      if (chunk.toString().includes('[y/N]')) terminal.stdin.write(answer);
    });
  const code = await runMqadmin([...args, ...patience], {
    env: { NAMESRV_ADDR: nameServer, ...env },
    terminal,
  });
  return { code, ...written };
}

/** A topic with messages, a producer and a consumer that has consumed them, for commands to look at. */
export interface Stage extends AsyncDisposable {
  readonly nameServer: string;
  readonly brokerAddress: string;
  readonly admin: Admin;
  readonly topic: string;
  readonly group: string;
  readonly producerGroup: string;
  readonly sent: readonly SendResult[];
}

const MESSAGES = 10;

export async function openStage(
  nameServer: string,
  brokerAddress: string,
  options: Pick<ClientOptions, 'credentials' | 'tls'> = {},
): Promise<Stage> {
  const common = { nameServers: nameServer, ...options };
  const [topic, group, producerGroup] = [uniqueName('orders'), uniqueName('billing'), uniqueName('shop')];
  const admin = new Admin(common);
  const producer = new Producer({ ...common, group: producerGroup });
  const consumer = new PushConsumer({
    ...{ ...common, group, from: 'first', commitIntervalMs: 100 },
    subscriptions: [{ topic, expression: 'A || B' }],
    handler: async () => undefined,
  });
  const close = async (): Promise<void> => {
    await Promise.all([consumer.close(), producer.close()]);
    await admin.close();
  };
  try {
    await admin.start();
    await admin.createTopic({ topic, readQueueNums: 4, writeQueueNums: 4 });
    await admin.createSubscriptionGroup({ group });
    await Promise.all([producer.start(), consumer.start()]);
    const sent: SendResult[] = [];
    for (let i = 0; i < MESSAGES; i++) {
      const tag = i % 2 === 0 ? 'A' : 'B';
      sent.push(await producer.send({ topic, tag, keys: [`key-${i}`, topic], body: `body ${i}` }));
    }
    await eventually(async () => {
      const { queues } = await admin.consumeStats(group, topic);
      const done = queues.reduce((sum, { consumerOffset }) => sum + consumerOffset, 0);
      // The index of keys is made after the answer to the producer.
      return done === MESSAGES && (await admin.messagesByKey(topic, topic)).length === MESSAGES;
    });
    return {
      ...{ nameServer, brokerAddress, admin, topic, group, producerGroup, sent },
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
