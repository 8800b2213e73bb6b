import { Command } from 'commander';

/** One file a subcommand. */
export function inboxCommand(): Command {
  return new Command('inbox').description('Look at the messages received, and apply dead ones again.');
}
