import { runMqadmin } from '@dt/mqadmin';
import { Admin, Producer, PushConsumer, type SendResult } from '@dt/rocketmq-client';
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
export function runProgram(nameServer: string, args: readonly string[]): Promise<ProgramResult> {
  const env = { ...process.env, NAMESRV_ADDR: nameServer };
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

/** Runs our mqadmin within this process, which starts in no time. */
export async function runHere(nameServer: string, args: readonly string[]): Promise<ProgramResult> {
  const terminal = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    terminal[name].on('data', (chunk: Buffer) => (written[name] += chunk.toString()));
  const code = await runMqadmin([...args, ...patience], { env: { NAMESRV_ADDR: nameServer }, terminal });
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

export async function openStage(nameServer: string, brokerAddress: string): Promise<Stage> {
  const [topic, group, producerGroup] = [uniqueName('orders'), uniqueName('billing'), uniqueName('shop')];
  const admin = new Admin({ nameServers: nameServer });
  const producer = new Producer({ nameServers: nameServer, group: producerGroup });
  const consumer = new PushConsumer({
    ...{ nameServers: nameServer, group, from: 'first', commitIntervalMs: 100 },
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
