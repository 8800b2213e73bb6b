import { ROCKETMQ_ERROR_CODES, RocketMQError } from '@dt/rocketmq-client';
import { describe, expect, it } from 'vitest';
import { within } from './hostile/fuzz.ts';
import { OpenResources } from './support/open-resources.ts';
import { type Given, PUBLIC_CLASSES, type PublicClass, type Subject } from './support/public-calls.ts';
import { ScriptedCluster } from './support/scripted-cluster.ts';
import { deadAddress } from './support/scripted-server.ts';
import { until } from './support/until.ts';

/** Nothing of a test may end by it: what ends, ends by `close`. */
const TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 400;
/** With room for a busy machine. */
const CLOSE_LIMIT_MS = CLOSE_TIMEOUT_MS + 4000;
/** Of each call. */
const TIMES = 3;

const endless = (): Promise<void> => new Promise(() => undefined);
const given = (nameServer: string, work: () => Promise<void> = endless): Given => ({
  ...{ nameServer, timeoutMs: TIMEOUT_MS, closeTimeoutMs: CLOSE_TIMEOUT_MS },
  work,
});

/** Calls under way, and how they ended. */
class Calls {
  readonly open = new Set<string>();
  readonly failures: unknown[] = [];

  add(name: string, call: () => Promise<unknown>): void {
    this.open.add(name);
    (async () => call())()
      .catch((error: unknown) => this.failures.push(error))
      .finally(() => this.open.delete(name));
  }

  /** All that the class has. */
  addAll(publicClass: PublicClass, subject: Subject, to: Given): void {
    for (let n = 1; n <= TIMES; n++) {
      for (const [name, call] of Object.entries(publicClass.calls))
        this.add(`${name} ${n}`, () => call(subject, to));
      for (const [name, stream] of Object.entries(publicClass.streams ?? {}))
        this.add(`${name} ${n}`, async () => {
          for await (const given of stream(subject)) void given;
        });
    }
  }

  get codes(): Set<string> {
    return new Set(
      this.failures.map((error) => (error instanceof RocketMQError ? error.code : String(error))),
    );
  }
}

/** Closes twice at once and once more; then nothing is open any more. */
async function endsWithClose(subject: Subject, calls: Calls, resources: OpenResources): Promise<void> {
  await within('close', Promise.all([subject.close(), subject.close()]), CLOSE_LIMIT_MS);
  await subject.close();
  await becomesEmpty('calls', () => [...calls.open]);
  await becomesEmpty('timers and sockets', () => resources.places);
  for (const code of calls.codes) expect(ROCKETMQ_ERROR_CODES).toContain(code);
}

/** Ends are told in turns of the event loop to come. */
async function becomesEmpty(what: string, left: () => string[]): Promise<void> {
  await until(() => left().length === 0, what, 1000).catch((error: unknown) => {
    throw new Error(`still open, ${what}: ${left().join(', ')}`, { cause: error });
  });
}

async function clusterWithMessages(): Promise<ScriptedCluster> {
  const cluster = await ScriptedCluster.start({ T: 2 });
  cluster.stored[0] = [{ body: 'a' }, { body: 'b' }];
  return cluster;
}

function silence(cluster: ScriptedCluster): void {
  cluster.server.script = () => undefined;
}

describe.each(Object.entries(PUBLIC_CLASSES))('nothing stays open behind a %s', (_, publicClass) => {
  it('that is closed while its cluster is well', async () => {
    using resources = new OpenResources();
    await using cluster = await clusterWithMessages();
    const to = given(cluster.address);
    const subject = publicClass.make(to);
    await subject.start();
    const calls = new Calls();
    calls.addAll(publicClass, subject, to);
    await endsWithClose(subject, calls, resources);
  });

  it('that is closed while nobody answers its start', async () => {
    using resources = new OpenResources();
    await using cluster = await ScriptedCluster.start({ T: 2 });
    silence(cluster);
    const to = given(cluster.address);
    const subject = publicClass.make(to);
    const calls = new Calls();
    calls.add('start', () => subject.start());
    calls.addAll(publicClass, subject, to);
    await until(() => cluster.server.requests.length > 0, 'the start');
    await endsWithClose(subject, calls, resources);
    expect(calls.codes).toContain('closed');
  });

  it('that is closed when its cluster has fallen silent', async () => {
    using resources = new OpenResources();
    await using cluster = await clusterWithMessages();
    const to = given(cluster.address);
    const subject = publicClass.make(to);
    await subject.start();
    silence(cluster);
    const calls = new Calls();
    calls.addAll(publicClass, subject, to);
    await endsWithClose(subject, calls, resources);
    expect(calls.codes).toContain('closed');
  });

  it('that is closed while its cluster cannot be reached', async () => {
    using resources = new OpenResources();
    const to = given(await deadAddress());
    const subject = publicClass.make(to);
    const calls = new Calls();
    calls.add('start', () => subject.start());
    calls.addAll(publicClass, subject, to);
    await endsWithClose(subject, calls, resources);
    expect(calls.codes.size).toBeGreaterThan(0);
  });

  it('that is closed when its cluster is gone', async () => {
    using resources = new OpenResources();
    const cluster = await clusterWithMessages();
    const to = given(cluster.address);
    const subject = publicClass.make(to);
    await subject.start();
    await cluster.server.close();
    const calls = new Calls();
    calls.addAll(publicClass, subject, to);
    await endsWithClose(subject, calls, resources);
    expect(calls.codes.size).toBeGreaterThan(0);
  });

  it('that is closed at any moment of its start', async () => {
    using resources = new OpenResources();
    let isStarted = false;
    for (let moment = 0; !isStarted; moment++) {
      await using cluster = await ScriptedCluster.start({ T: 2 });
      const subject = publicClass.make(given(cluster.address, async () => undefined));
      const answer = cluster.server.script;
      let closing: Promise<void> | undefined;
      cluster.server.script = (request, peer) => {
        if (cluster.server.requests.length > moment) closing ??= subject.close();
        answer(request, peer);
      };
      const calls = new Calls();
      calls.add('start', async () => {
        await subject.start();
        isStarted = closing === undefined;
      });
      await until(() => closing !== undefined || calls.open.size === 0, 'the start or its end');
      await endsWithClose(subject, calls, resources);
    }
  });

  it('that is closed by the end of its scope, before its start and after it', async () => {
    using resources = new OpenResources();
    await using cluster = await ScriptedCluster.start({ T: 2 });
    const to = given(cluster.address, async () => undefined);
    const subject = publicClass.make(to);
    {
      await using scoped = subject;
      await scoped.start();
    }
    const calls = new Calls();
    calls.addAll(publicClass, subject, to);
    await endsWithClose(subject, calls, resources);
    {
      await using never = publicClass.make(to);
      void never;
    }
    await becomesEmpty('timers and sockets', () => resources.places);
  });
});
