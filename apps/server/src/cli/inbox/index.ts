import { Command } from 'commander';
import { letterCommands, inboxWords } from '../letters/index.ts';

export function inboxCommand(): Command {
  const command = new Command('inbox').description(
    'Look at the messages received, and apply dead ones again.',
  );
  for (const subcommand of letterCommands(inboxWords)) command.addCommand(subcommand);
  return command;
}
