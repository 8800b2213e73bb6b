import { Command } from 'commander';
import { letterCommands, inboxWords } from '../letters/index.ts';
import { statusCommand } from '../status/index.ts';

export function inboxCommand(): Command {
  const command = new Command('inbox').description(
    'Look at the messages received, and apply dead ones again.',
  );
  command.addCommand(statusCommand('inbox'));
  for (const subcommand of letterCommands(inboxWords)) command.addCommand(subcommand);
  return command;
}
