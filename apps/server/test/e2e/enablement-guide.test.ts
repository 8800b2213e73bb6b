import { eventually, type Program, type RunningBroker, startBroker } from '@dt/testkit';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dt } from '../cli/dt.ts';
import { createWorld, delivered, linesOf, target, type World } from './harness.ts';

const read = (name: string): string =>
  readFileSync(new URL(`../../../../docs/guide/${name}`, import.meta.url), 'utf8');
const guide = read('enablement.md');
const twin = read('enablement.zh-CN.md');

interface Fence {
  readonly language: string;
  readonly lines: readonly string[];
  /** The paragraph right above. */
  readonly above: string;
}

function fencesOf(page: string): Fence[] {
  return [...page.matchAll(/^( *)```(\w*)\n(.*?)\n\1```$/gms)].map(
    ({ 1: indent = '', 2: language = '', 3: text = '', index }) => ({
      language,
      lines: text.split('\n').map((line) => line.slice(indent.length)),
      above: page.slice(0, index).trimEnd().split('\n\n').at(-1) ?? '',
    }),
  );
}

/** A command of the page, and the first line that the page shows of its answer. */
interface Step {
  readonly command: string;
  readonly answer?: string;
}

function stepsOf({ lines }: Fence): Step[] {
  return lines.flatMap((line, at) => {
    const answer = lines[at + 1];
    if (!line.startsWith('$ ')) return [];
    return { command: line.slice(2), ...(answer && !answer.startsWith('$ ') && { answer }) };
  });
}

const fences = fencesOf(guide);
const steps = fences.filter(({ language }) => language === 'console').flatMap(stepsOf);
const serve = 'npx dt serve --embedded';

describe('the page', () => {
  it('says above each command that is not run that it is not', () => {
    const silent = (page: string, said: RegExp): string[] =>
      fencesOf(page)
        .filter(({ language, above }) => ['sh', 'powershell'].includes(language) && !said.test(above))
        .flatMap(({ lines }) => lines);
    expect(silent(guide, /^> (Not run by the tests|Run by another check)/)).toEqual([]);
    expect(silent(twin, /^> (测试不运行|由项目的另一项检查运行)/)).toEqual([]);
  });

  it('has the same commands, files and lines in both languages', () => {
    const blocks = (page: string): unknown[] =>
      fencesOf(page)
        .filter(({ language }) => language !== '')
        .map(({ language, lines }) => ({ language, lines }));
    expect(blocks(twin)).toEqual(blocks(guide));
    const chapters = (page: string): (string | undefined)[] =>
      [...page.matchAll(/^(#{1,3}) (\d\.)?/gm)].map(([, level, number]) => `${level} ${number}`);
    expect(chapters(twin)).toEqual(chapters(guide));
  });

  it('starts the server once, before everything else', () => {
    expect(steps.flatMap(({ command }, at) => (command === serve ? [at] : []))).toEqual([0]);
  });
});

describe(`followed on ${target} RocketMQ`, () => {
  let broker: RunningBroker;
  let world: World;
  let server: Program;

  beforeAll(async () => {
    broker = await startBroker(target);
    world = await createWorld({ broker });
    // What the page finds in config/dev.json and on its ports is found in this world.
    vi.stubEnv('CONFIG_FILE', world.configFile);
    vi.stubEnv('NAMESRV_ADDR', '');
    server = await world.serve('--embedded');
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await world?.close();
    await broker?.close();
  });

  const here = (text: string): string =>
    text
      .replaceAll('dt_settle', world.topic)
      .replaceAll('game-consumer', world.consumerGroup)
      .replaceAll('127.0.0.1:9876', broker.nameServer);

  it('the start-up lines are those of the page, in its order', async () => {
    await server.waitForLine(/rocketmq enabled/);
    const shown =
      fences.find(({ lines }) => lines.at(-1)?.includes('rocketmq enabled'))?.lines.map(here) ?? [];
    expect(linesOf(server).filter((line) => shown.includes(line))).toEqual(shown);
  });

  // One after the other: the page is one session.
  it.each(steps.slice(1))('$command', async ({ command, answer = '' }) => {
    const [npx, program, ...words] = [...here(command).matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, quoted, plain]) => quoted ?? plain ?? '',
    );
    expect([npx, program]).toEqual(['npx', 'dt']);
    // A group has no progress before its consumers have told the Broker of it, which they do every few seconds.
    if (words.includes('consumerProgress'))
      await eventually(async () => (await dt(...words)).code === 0, { timeoutMs: 20_000, intervalMs: 500 });
    const { code, stdout, stderr } = await dt(...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [header = ''] = stdout.split('\n');
    if (answer !== '') expect(header.replace(/ +/g, ' ').trim()).toBe(answer);
  });

  it('nothing is left: every message is sent and applied', async () => {
    await delivered(world);
    const proof = steps.find(({ answer }) => answer === 'not_applied')?.command ?? '';
    const { stdout } = await dt('sql', '--json', /"(.*)"/.exec(proof)?.[1] ?? '');
    expect(JSON.parse(stdout)).toEqual([{ not_applied: expect.stringMatching(/^0$/) as unknown }]);
  });
});
