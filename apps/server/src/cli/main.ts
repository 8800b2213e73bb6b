import { runDt } from './program.ts';

await runDt(process.argv.slice(2));
