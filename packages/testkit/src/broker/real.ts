import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestkitError } from '../errors.ts';
import { findFreePort } from '../net/free-port.ts';
import { Program } from '../process/program.ts';
import { aclFileIn, writeAclFile } from './acl-file.ts';
import { awaitRegistered } from './await-registered.ts';
import { brokerConfiguration, formatProperties, transactionConfiguration } from './broker-conf.ts';
import { classPathOf, javaCommand, requireJava } from './java.ts';
import { tlsJvmArgs, tlsPeerOf } from './tls.ts';
import { defaultStartTimeoutMs, type RunningBroker, type StartBrokerOptions } from './target.ts';

// Both fit a test machine; the scripts of the distribution ask for 4 and 8 GB.
const nameServerMemory = ['-Xms64m', '-Xmx128m'];
const brokerMemory = ['-Xms256m', '-Xmx512m', '-XX:MaxDirectMemorySize=512m'];
const quickStart = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** Ports P-2 (a second listener for clients), P and P+1 (replication) belong to a Broker on P. */
const brokerPortOffsets = [-2, 0, 1];
const startAttempts = 3;
const logTailLines = 40;

/** Starts the JVMs of a NameServer and a Broker; again with other ports when somebody takes one meanwhile. */
export async function startRealBroker(options: StartBrokerOptions): Promise<RunningBroker> {
  await requireJava();
  // One after the other: both may have to download.
  const classPaths = { namesrv: await classPathOf('namesrv'), broker: await classPathOf('broker') };
  for (let attempt = 1; ; attempt++) {
    const folder = await mkdtemp(join(tmpdir(), 'dt-rocketmq-'));
    const broker = new RealBroker(
      folder,
      await findFreePort(),
      await findFreePort(brokerPortOffsets),
      classPaths,
      options,
    );
    try {
      await broker.startBroker();
      return broker;
    } catch (error) {
      await broker.close();
      const portTaken = error instanceof Error && /Address already in use|BindException/.test(error.message);
      if (!portTaken || attempt === startAttempts) throw error;
    }
  }
}

class RealBroker implements RunningBroker {
  readonly target = 'real';
  readonly external = false;
  readonly nameServer: string;
  readonly brokerAddress: string;
  readonly #folder: string;
  readonly #nameServerPort: number;
  readonly #brokerPort: number;
  readonly #classPaths: { namesrv: string; broker: string };
  readonly #options: StartBrokerOptions;
  #namesrv: Program | undefined;
  #broker: Program | undefined;

  constructor(
    folder: string,
    nameServerPort: number,
    brokerPort: number,
    classPaths: { namesrv: string; broker: string },
    options: StartBrokerOptions,
  ) {
    this.#folder = folder;
    this.#nameServerPort = nameServerPort;
    this.#brokerPort = brokerPort;
    this.#classPaths = classPaths;
    this.#options = options;
    this.nameServer = options.nameServer ?? `127.0.0.1:${nameServerPort}`;
    this.brokerAddress = `127.0.0.1:${brokerPort}`;
  }

  get brokerPid(): number | undefined {
    return this.#broker?.running ? this.#broker.pid : undefined;
  }

  async startBroker(): Promise<void> {
    try {
      if (!this.#namesrv?.running && this.#options.nameServer === undefined)
        this.#namesrv = await this.#startNameServer();
      if (!this.#broker?.running) this.#broker = await this.#startBrokerProcess();
      await awaitRegistered(
        this.nameServer,
        this.brokerAddress,
        this.#options.startTimeoutMs ?? defaultStartTimeoutMs,
        () => this.#requireRunning(),
        this.#options.tls && (await tlsPeerOf(this.#options.tls)),
      );
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new TestkitError('start-failed', `real RocketMQ did not start: ${reason}\n${await this.logs()}`, {
        cause: error,
      });
    }
  }

  async stopBroker(): Promise<void> {
    // It takes 8 to 14 seconds in good health.
    await this.#broker?.stop({ timeoutMs: 25_000 });
  }

  async killBroker(): Promise<void> {
    await this.#broker?.kill();
  }

  async replaceAcl(text: string): Promise<void> {
    await writeAclFile(join(this.#folder, 'broker'), text);
  }

  async logs(): Promise<string> {
    const logFolder = join('logs', 'rocketmqlogs');
    return [
      section('NameServer, standard output', this.#namesrv?.output()),
      section('NameServer, namesrv.log', await this.#log('namesrv', join(logFolder, 'namesrv.log'))),
      section('Broker, standard output', this.#broker?.output()),
      section('Broker, broker.log', await this.#log('broker', join(logFolder, 'broker.log'))),
    ].join('\n');
  }

  async close(): Promise<void> {
    // An orderly end takes seconds and nobody needs the store any more.
    await Promise.all([this.#broker?.kill(), this.#namesrv?.kill()]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #requireRunning(): void {
    for (const program of [this.#namesrv, this.#broker]) {
      if (program && !program.running)
        throw new TestkitError('start-failed', `the ${program.name} has ended`);
    }
  }

  async #startNameServer(): Promise<Program> {
    const home = join(this.#folder, 'namesrv');
    return this.#startJava('NameServer', 'org.apache.rocketmq.namesrv.NamesrvStartup', {
      classPath: this.#classPaths.namesrv,
      home,
      jvmArgs: [...nameServerMemory, ...quickStart],
      config: {
        listenPort: String(this.#nameServerPort),
        bindAddress: '127.0.0.1',
        kvConfigPath: join(home, 'kvConfig.json'),
        configStorePath: join(home, 'stored.properties'),
      },
    });
  }

  async #startBrokerProcess(): Promise<Program> {
    const {
      aclFile,
      autoCreateTopics,
      brokerConfig,
      flush,
      jvm = 'quick-start',
      messageDelayLevel,
    } = this.#options;
    const home = join(this.#folder, 'broker');
    const place = {
      listenPort: this.#brokerPort,
      nameServer: this.nameServer,
      storeFolder: join(home, 'store'),
    };
    if (aclFile !== undefined) await aclFileIn(home, aclFile);
    return this.#startJava('Broker', 'org.apache.rocketmq.broker.BrokerStartup', {
      classPath: this.#classPaths.broker,
      home,
      jvmArgs: [...brokerMemory, ...(jvm === 'quick-start' ? quickStart : [])],
      config: await brokerConfiguration(place, {
        ...(autoCreateTopics === false && { autoCreateTopicEnable: 'false' }),
        ...(flush === 'sync' && { flushDiskType: 'SYNC_FLUSH' }),
        ...(messageDelayLevel !== undefined && { messageDelayLevel }),
        ...(aclFile !== undefined && { aclEnable: 'true' }),
        ...transactionConfiguration(this.#options.transactions),
        ...brokerConfig,
      }),
    });
  }

  async #startJava(
    name: string,
    mainClass: string,
    {
      classPath,
      home,
      jvmArgs,
      config,
    }: { classPath: string; home: string; jvmArgs: readonly string[]; config: Record<string, string> },
  ): Promise<Program> {
    await mkdir(home, { recursive: true });
    const configFile = join(home, 'start.conf');
    await writeFile(configFile, formatProperties(config));
    const { tls } = this.#options;
    const tlsArgs = tls === undefined ? [] : await tlsJvmArgs(home, tls);
    return Program.start({
      name,
      command: javaCommand,
      args: [
        ...jvmArgs,
        ...tlsArgs,
        // Logs and default folders lie under the home of the user: each process gets its own.
        `-Duser.home=${home}`,
        `-Drocketmq.home.dir=${home}`,
        '-cp',
        classPath,
        mainClass,
        '-c',
        configFile,
      ],
      cwd: home,
      outputLimitBytes: 64 * 1024,
    });
  }

  async #log(part: string, file: string): Promise<string | undefined> {
    return readFile(join(this.#folder, part, file), 'utf8').catch(() => undefined);
  }
}

function section(title: string, text: string | undefined): string {
  const newest = text?.split('\n').slice(-logTailLines).join('\n');
  return `--- ${title} ---\n${newest ? newest : '(nothing)'}`;
}
