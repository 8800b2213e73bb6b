#!/usr/bin/env node
// The door of the command line: runs the built program, and says what to do where nothing is built yet.
import { existsSync } from 'node:fs';

const program = new URL('../dist/index.js', import.meta.url);
if (!existsSync(program)) {
  console.error(
    'mqadmin: the program is not built yet. Run `npm run build` in the project folder, then try again.',
  );
  process.exit(2);
}
const { runMqadmin } = await import(program.href);
process.exitCode = await runMqadmin(process.argv.slice(2));
// Whoever interrupts does not want to wait for connections that are still being made.
if (process.exitCode === 130) process.exit();
