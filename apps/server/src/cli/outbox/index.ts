import { Command } from 'commander';
import { letterCommands, outboxWords } from '../letters/index.ts';

export function outboxCommand(): Command {
  const command = new Command('outbox').description(
    'Look at the messages to be sent, and send dead ones again.',
  );
  for (const subcommand of letterCommands(outboxWords)) command.addCommand(subcommand);
  return command;
}
