// What a benchmark runs on: a PostgreSQL with its durable defaults, a server process, a broker. All of it is
// stopped and deleted at the end, newest first.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearTimeout, setTimeout } from 'node:timers';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '@dt/postgres-embedded';
import { findFreePort, startBroker } from '@dt/testkit';
import pg from 'pg';

const dt = fileURLToPath(new URL('../../apps/server/bin/dt.js', import.meta.url));
export const ADMIN_TOKEN = 'bench-admin-token';

export class Stage {
  #say;
  #postgres;
  #opened = [];
  #databases = 0;

  constructor(say) {
    this.#say = say;
  }

  get postgresPid() {
    return this.#postgres.pid;
  }

  /** Remembers how to end something. */
  defer(close) {
    this.#opened.push(close);
  }

  async open() {
    const dataDir = await mkdtemp(join(tmpdir(), 'dt-bench-'));
    this.defer(() => rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    this.#postgres = await startPostgres({
      dataDir: join(dataDir, 'postgres'),
      database: 'postgres',
      parameters: { max_connections: '200' },
    });
    this.defer(() => this.#postgres.stop());
  }

  async close() {
    for (let close = this.#opened.pop(); close !== undefined; close = this.#opened.pop()) {
      await Promise.resolve(close()).catch((error) => this.#say(`cleaning up: ${error.message}`));
    }
  }

  /** A new, empty database. */
  async database() {
    const database = `bench_${++this.#databases}`;
    const admin = new pg.Client(this.#postgres.connection);
    await admin.connect();
    try {
      await admin.query(`CREATE DATABASE ${database}`);
    } finally {
      await admin.end();
    }
    const url = this.#postgres.connectionString.replace(/\/[^/@?]+(?=\?|$)/, `/${database}`);
    return { url, connection: { ...this.#postgres.connection, database } };
  }

  /** A pool on a database, ended before the server is. */
  pool(connection, max) {
    const pool = new pg.Pool({ ...connection, max });
    pool.on('error', () => undefined);
    this.defer(() => pool.end());
    return pool;
  }

  /** `dt serve` in a process of its own on a free port. */
  async server(databaseUrl, roles, settings = {}) {
    const port = await findFreePort();
    const set = Object.entries({
      'auth.demo_mode': 'true',
      'auth.admin.token': ADMIN_TOKEN,
      'server.log_level': 'warn',
      'server.host': 'localhost',
      ...settings,
    }).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
    const child = spawn(process.execPath, [dt, 'serve', '--port', String(port), '--roles', roles, ...set], {
      env: { ...process.env, DATABASE_URL: databaseUrl },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const close = async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 25_000);
      await exited;
      clearTimeout(timer);
    };
    this.defer(close);
    const baseUrl = `http://localhost:${port}`;
    for (let tries = 0; ; tries++) {
      const ready = await globalThis.fetch(`${baseUrl}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
      if (ready) return { baseUrl, close };
      if (child.exitCode !== null || tries > 300) throw new Error('the server did not become ready');
      await pause(100);
    }
  }

  /** The real broker where Java is, else the embedded one; says which. */
  async broker(wanted, options = {}) {
    let target = wanted ?? 'real';
    if (
      wanted === undefined &&
      process.env.ROCKETMQ_NAMESRV === undefined &&
      spawnSync('java', ['-version']).status !== 0
    ) {
      this.#say('Java is not here: the broker of this run is the embedded one, not RocketMQ 5.3.0');
      target = 'embedded';
    }
    const broker = await startBroker(target, options);
    this.defer(() => broker.close());
    return broker;
  }
}
