import { Command } from 'commander';
import { checkCommand } from './check.ts';
import { explainCommand } from './explain.ts';
import { showCommand } from './show.ts';

/** One file a subcommand. */
export function configCommand(): Command {
  return new Command('config')
    .description('Check, show and explain the configuration.')
    .addCommand(checkCommand())
    .addCommand(showCommand())
    .addCommand(explainCommand());
}
