import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export interface Compiled {
  /** The built form of a file of this package. */
  script(relative: string): string;
  remove(): Promise<void>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * Cuts the types out of the sources and the support files, for processes that run without the test runner. Written
 * under `dist`, where the imports of other packages resolve as they do from the sources.
 */
export async function compile(): Promise<Compiled> {
  await mkdir(path.join(root, 'dist'), { recursive: true });
  const out = await mkdtemp(path.join(root, 'dist', 'test-'));
  for (const folder of ['src', 'test/support']) {
    for (const entry of await readdir(path.join(root, folder), { recursive: true })) {
      if (!entry.endsWith('.ts')) continue;
      const { outputText } = ts.transpileModule(await readFile(path.join(root, folder, entry), 'utf8'), {
        compilerOptions: {
          target: ts.ScriptTarget.ES2023,
          module: ts.ModuleKind.ESNext,
          verbatimModuleSyntax: true,
          rewriteRelativeImportExtensions: true,
        },
      });
      const target = path.join(out, folder, entry.replace(/\.ts$/, '.js'));
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, outputText);
    }
  }
  return {
    script: (relative) => path.join(out, relative.replace(/\.ts$/, '.js')),
    remove: () => rm(out, { recursive: true, force: true }),
  };
}
