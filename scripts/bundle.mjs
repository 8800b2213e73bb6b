// Puts the command line of rocketmq-embedded into one file: reading 200 modules takes longer than all else it does at
// its start. Runs behind `tsc -b`.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const dist = fileURLToPath(new URL('../packages/rocketmq-embedded/dist/', import.meta.url));

await build({
  entryPoints: [`${dist}cli.js`],
  outfile: `${dist}cli.bundle.js`,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // Loaded only when there are accounts to read.
  external: ['yaml'],
  logLevel: 'warning',
});
