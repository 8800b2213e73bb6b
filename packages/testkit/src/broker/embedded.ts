import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestkitError } from '../errors.ts';
import { findFreePort } from '../net/free-port.ts';
import { type Program, spawnNode } from '../process/program.ts';
import { aclFileIn, writeAclFile } from './acl-file.ts';
import { awaitRegistered } from './await-registered.ts';
import { embeddedProgramFile } from './embedded-program-file.ts';
import { embeddedTls, tlsPeerOf } from './tls.ts';
import {
  type BrokerTls,
  defaultStartTimeoutMs,
  type RunningBroker,
  type StartBrokerOptions,
} from './target.ts';

const startAttempts = 3;

/** Starts the embedded RocketMQ in a Node process of its own. */
export async function startEmbeddedBroker(options: StartBrokerOptions): Promise<RunningBroker> {
  if (options.nameServer !== undefined) {
    throw new TestkitError('not-supported', 'the embedded RocketMQ is one NameServer with one Broker');
  }
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'dt-rocketmq-'));
    const broker = new EmbeddedBroker(folder, await findFreePort(), await findFreePort(), options);
    try {
      await broker.startBroker();
      return broker;
    } catch (error) {
      await broker.close();
      const portTaken = error instanceof Error && /EADDRINUSE|in use/.test(error.message);
      if (!portTaken || attempt === startAttempts) throw error;
    }
  }
}

class EmbeddedBroker implements RunningBroker {
  readonly target = 'embedded';
  readonly external = false;
  readonly nameServer: string;
  readonly brokerAddress: string;
  readonly #folder: string;
  readonly #settings: object;
  readonly #aclFile: string | undefined;
  readonly #tls: BrokerTls | undefined;
  readonly #startTimeoutMs: number;
  #program: Program | undefined;

  constructor(folder: string, nameServerPort: number, brokerPort: number, options: StartBrokerOptions) {
    this.#folder = folder;
    this.nameServer = `127.0.0.1:${nameServerPort}`;
    this.brokerAddress = `127.0.0.1:${brokerPort}`;
    this.#startTimeoutMs = options.startTimeoutMs ?? defaultStartTimeoutMs;
    this.#aclFile = options.aclFile;
    this.#tls = options.tls;
    this.#settings = {
      host: '127.0.0.1',
      nameServerPort,
      brokerPort,
      dataDir: join(folder, 'data'),
      flush: options.flush ?? 'async',
      autoCreateTopics: options.autoCreateTopics ?? true,
      messageDelayLevel: options.messageDelayLevel,
      serverSideResetOffset: options.brokerConfig?.['useServerSideResetOffset'] !== 'false',
      enablePropertyFilter: options.brokerConfig?.['enablePropertyFilter'] === 'true',
      transactionTimeOutMs: options.transactions?.timeOutMs,
      transactionCheckIntervalMs: options.transactions?.checkIntervalMs,
      transactionCheckMax: options.transactions?.checkMax,
    };
  }

  get brokerPid(): number | undefined {
    return this.#program?.running ? this.#program.pid : undefined;
  }

  async startBroker(): Promise<void> {
    if (this.#program?.running) return;
    try {
      const tls = this.#tls && (await embeddedTls(this.#tls));
      const acl = this.#aclFile && (await aclFileIn(this.#folder, this.#aclFile));
      this.#program = await spawnNode({
        name: 'embedded RocketMQ',
        script: await embeddedProgramFile(this.#folder),
        args: [JSON.stringify({ ...this.#settings, acl, tls })],
        readyLine: /^embedded RocketMQ ready$/,
        readyTimeoutMs: this.#startTimeoutMs,
      });
      await awaitRegistered(
        this.nameServer,
        this.brokerAddress,
        this.#startTimeoutMs,
        () => {
          if (!this.#program?.running) throw new TestkitError('start-failed', 'the process has ended');
        },
        this.#tls && (await tlsPeerOf(this.#tls)),
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TestkitError(
        'start-failed',
        `embedded RocketMQ did not start: ${reason}\n${await this.logs()}`,
        {
          cause: error,
        },
      );
    }
  }

  async stopBroker(): Promise<void> {
    await this.#program?.stop({ timeoutMs: 15_000 });
  }

  async killBroker(): Promise<void> {
    await this.#program?.kill();
  }

  async replaceAcl(text: string): Promise<void> {
    await writeAclFile(this.#folder, text);
  }

  async logs(): Promise<string> {
    return `--- embedded RocketMQ, output ---\n${this.#program?.output() ?? '(nothing)'}`;
  }

  async close(): Promise<void> {
    await this.#program?.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
