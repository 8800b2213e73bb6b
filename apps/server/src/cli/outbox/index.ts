import { Command } from 'commander';

/** One file a subcommand. */
export function outboxCommand(): Command {
  return new Command('outbox').description('Look at the messages to be sent, and send dead ones again.');
}
