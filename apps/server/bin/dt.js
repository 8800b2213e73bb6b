#!/usr/bin/env node
// The door of the command line: runs the built program, and says what to do where nothing is built yet.
import { existsSync } from 'node:fs';

const program = new URL('../dist/cli/main.js', import.meta.url);
if (!existsSync(program)) {
  console.error(
    'dt: the program is not built yet. Run `npm run build` in the project folder, then try again.',
  );
  process.exit(2);
}
await import(program.href);
