import { Command } from 'commander';
import { letterCommands, outboxWords, skipCommand } from '../letters/index.ts';
import { statusCommand } from '../status/index.ts';

export function outboxCommand(): Command {
  const command = new Command('outbox').description(
    'Look at the messages to be sent, and send dead ones again.',
  );
  command.addCommand(statusCommand('outbox'));
  for (const subcommand of letterCommands(outboxWords)) command.addCommand(subcommand);
  command.addCommand(skipCommand());
  return command;
}
