import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Admin } from '@dt/rocketmq-client';
import { eventually } from '@dt/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rocketmq, startProducer } from './support.ts';
import { surroundings } from './readme-surroundings.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = path.join(root, 'packages/rocketmq-client/README.md');

interface Example {
  chapter: string;
  code: string;
}

function examplesOf(markdown: string): Example[] {
  return markdown.split(/^## /m).flatMap((part) => {
    const chapter = part.split('\n', 1)[0] ?? '';
    return [...part.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) => ({ chapter, code }));
  });
}

/** What an example leaves out stands before and after it; addresses are those of this run. */
function programOf(example: Example, { before, after }: { before: string; after: string }): string {
  const imports = /^\s*import .*$/gm;
  return [
    ...(before.match(imports) ?? []),
    ...(example.code.match(imports) ?? []),
    'export default async function ({ nameServer, folder, eventually, expect, stored }) {',
    before.replace(imports, ''),
    example.code.replace(imports, ''),
    after,
    '}',
  ]
    .join('\n')
    .replaceAll("'127.0.0.1:9876'", 'nameServer')
    .replaceAll("'/var/lib/app/", "folder + '/");
}

const examples = examplesOf(await readFile(readme, 'utf8'));
let folder: string;

beforeAll(async () => {
  const cache = path.join(root, '.cache');
  await mkdir(cache, { recursive: true });
  // Inside the repository, where the packages are found.
  folder = await mkdtemp(path.join(cache, 'readme-'));
  await using admin = new Admin({ nameServers: rocketmq.nameServer });
  await admin.start();
  for (const topic of ['dt_settle', 'orders', 'prices', 'mails', 'quotes', 'clicks'])
    await admin.createTopic({ topic, readQueueNums: 2, writeQueueNums: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the examples of the client’s README', () => {
  test('are all run', () => {
    expect(examples.map(({ chapter }) => chapter)).toEqual(surroundings.map(({ chapter }) => chapter));
  });

  test.each(examples.map((example, n) => ({ ...example, n })))(
    'number $n, in $chapter',
    async ({ n, ...example }) => {
      const file = path.join(folder, `example-${n}.ts`);
      const around = surroundings[n];
      if (around === undefined) throw new Error('conformance/test/readme-surroundings.ts has nothing for it');
      await writeFile(file, programOf(example, around));
      const program = (await import(pathToFileURL(file).href)) as {
        default: (given: object) => Promise<void>;
      };
      const producer = await startProducer();
      const stored = (message: Parameters<typeof producer.send>[0]) => producer.send(message);
      await program.default({ nameServer: rocketmq.nameServer, folder, eventually, expect, stored });
    },
  );
});
