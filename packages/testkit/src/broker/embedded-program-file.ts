import { access } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The JavaScript file of the child process, bundled from the sources as they are now: a Node that cannot read
 * TypeScript runs them, no build has to come first, a build that runs meanwhile cannot pull files away under a
 * restart, and it starts as fast as the command line, which is a bundle, too.
 */
export async function embeddedProgramFile(folder: string): Promise<string> {
  const outfile = join(folder, 'embedded-rocketmq.mjs');
  const exists = await access(outfile).then(
    () => true,
    () => false,
  );
  if (exists) return outfile;
  const { build } = await import('esbuild');
  await build({
    entryPoints: [fileURLToPath(new URL(`./embedded-main${extname(import.meta.url)}`, import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['source'],
    // A CommonJS library in a bundle of modules asks for Node's own modules this way.
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    sourcemap: 'inline',
    logLevel: 'silent',
  });
  return outfile;
}
