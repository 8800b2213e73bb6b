import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { classPathOf, javaCommand, requireJava } from './broker/java.ts';
import { TestkitError } from './errors.ts';
import { eventually } from './eventually.ts';
import { findFreePort } from './net/free-port.ts';
import { Program } from './process/program.ts';

export interface NacosDocumentId {
  dataId: string;
  /** @default 'DEFAULT_GROUP' */
  group?: string;
  /** @default the public namespace */
  namespace?: string;
}

const startTimeoutMs = 90_000;

/** A real Nacos configuration server on loopback, with a database of its own that outlives `kill`. */
export class Nacos implements AsyncDisposable {
  /** `host:port` */
  readonly address: string;
  readonly #port: number;
  readonly #home: string;
  readonly #classPath: string;
  #program: Program | undefined;

  static async start(): Promise<Nacos> {
    await requireJava();
    const classPath = await classPathOf('nacos');
    const home = await mkdtemp(join(tmpdir(), 'dt-nacos-'));
    await unpackSchema(classPath, join(home, 'conf'));
    const nacos = new Nacos(await findFreePort(), home, classPath);
    try {
      await nacos.start();
    } catch (error) {
      await nacos.close();
      throw error;
    }
    return nacos;
  }

  private constructor(port: number, home: string, classPath: string) {
    this.#port = port;
    this.address = `127.0.0.1:${port}`;
    this.#home = home;
    this.#classPath = classPath;
  }

  /** Starts it on the port it had; fulfilled when it answers. */
  async start(): Promise<void> {
    const program = await Program.start({
      name: 'Nacos',
      command: javaCommand,
      args: [
        '-Xmx256m',
        '-XX:TieredStopAtLevel=1',
        '-XX:+UseSerialGC',
        '-Dnacos.standalone=true',
        `-Dnacos.home=${this.#home}`,
        `-Duser.home=${this.#home}`,
        // It tells itself of changes at this address: without it a document that was published is never seen.
        '-Dnacos.server.ip=127.0.0.1',
        `-Dnacos.server.port=${this.#port}`,
        '-cp',
        this.#classPath,
        'com.alibaba.nacos.config.server.Config',
        '--server.address=127.0.0.1',
        `--server.port=${this.#port}`,
        '--server.servlet.context-path=/nacos',
      ],
      cwd: this.#home,
      outputLimitBytes: 64 * 1024,
    });
    this.#program = program;
    await eventually(
      async () => {
        const response = await fetch(`http://${this.address}/nacos/`, {
          signal: AbortSignal.timeout(5_000),
        }).catch(() => undefined);
        return response !== undefined || !program.running;
      },
      { timeoutMs: startTimeoutMs, intervalMs: 200, what: 'the first answer of Nacos' },
    );
    if (!program.running) throw new TestkitError('start-failed', `Nacos has ended:\n${program.output()}`);
  }

  /** Fulfilled when the document is what readers get: Nacos publishes first and serves a moment later. */
  async publish(id: NacosDocumentId, content: string): Promise<void> {
    await this.#send('POST', id, { content });
    await eventually(async () => (await this.read(id)) === content, {
      timeoutMs: 20_000,
      what: 'the document',
    });
  }

  async remove(id: NacosDocumentId): Promise<void> {
    await this.#send('DELETE', id, {});
    await eventually(async () => (await this.read(id)) === undefined, {
      timeoutMs: 20_000,
      what: 'no document',
    });
  }

  async read(id: NacosDocumentId): Promise<string | undefined> {
    const response = await fetch(`${this.#url}?${new URLSearchParams(fieldsOf(id)).toString()}`);
    const text = await response.text();
    return response.ok ? text : undefined;
  }

  /** SIGKILL. What was published is still there after `start`. */
  async kill(): Promise<void> {
    await this.#program?.kill();
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.#home, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #url(): string {
    return `http://${this.address}/nacos/v1/cs/configs`;
  }

  async #send(method: 'POST' | 'DELETE', id: NacosDocumentId, more: Record<string, string>): Promise<void> {
    const fields = new URLSearchParams({ ...fieldsOf(id), ...more });
    const response =
      method === 'POST'
        ? await fetch(this.#url, { method, body: fields })
        : await fetch(`${this.#url}?${fields.toString()}`, { method });
    const text = await response.text();
    if (text !== 'true') throw new TestkitError('bad-answer', `Nacos answers ${response.status} ${text}`);
  }
}

function fieldsOf({ dataId, group = 'DEFAULT_GROUP', namespace }: NacosDocumentId): Record<string, string> {
  return { dataId, group, ...(namespace !== undefined && { tenant: namespace }) };
}

/** Its embedded database makes its tables from a file that only the jar has. */
async function unpackSchema(classPath: string, folder: string): Promise<void> {
  const jars = classPath.split(process.platform === 'win32' ? ';' : ':');
  const jar = jars.find((file) => basename(file).startsWith('nacos-config-'));
  if (jar === undefined)
    throw new TestkitError('class-path-failed', 'no jar of nacos-config in its class path');
  await mkdir(folder, { recursive: true });
  const tool = process.env['JAVA_HOME'] ? join(dirname(javaCommand), 'jar') : 'jar';
  await promisify(execFile)(tool, ['xf', jar, 'META-INF/schema.sql'], { cwd: folder });
  await rename(join(folder, 'META-INF', 'schema.sql'), join(folder, 'schema.sql'));
}
