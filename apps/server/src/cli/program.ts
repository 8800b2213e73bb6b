import { Command, CommanderError } from 'commander';
import { configCommand } from './config/index.ts';
import { doctorCommand } from './doctor.ts';
import { playCommand } from './play.ts';
import { exitCodes, reportFailure } from './exit.ts';
import { inboxCommand } from './inbox/index.ts';
import { migrateCommand } from './migrate.ts';
import { mqadminCommand } from './mqadmin.ts';
import { outboxCommand } from './outbox/index.ts';
import { reconcileCommand } from './reconcile.ts';
import { serveCommand } from './serve.ts';
import { sqlCommand } from './sql.ts';

/** Runs one command to its end; its exit code is then that of the process. */
export async function runDt(args: readonly string[]): Promise<void> {
  const program = dtProgram();
  for (const command of withSubcommands(program)) {
    command.exitOverride().showHelpAfterError('(add --help for the options and examples)');
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are answers; everything else commander throws is a wrong call, and it has said so.
      process.exitCode = error.exitCode === 0 ? exitCodes.good : exitCodes.wrongCall;
    } else {
      process.exitCode = reportFailure(error);
    }
  }
}

function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

/** Every command with its flags. */
export function dtProgram(): Command {
  return (
    new Command('dt')
      .description('The Dragon Tiger server: serves, migrates, plays and answers questions.')
      .version('0.1.0', '-v, --version')
      .addHelpText(
        'after',
        `
Examples:
  $ dt serve --embedded --demo          everything on this machine, a demo table included
  $ dt serve --config config/docker.json
  $ dt play --rounds 10 --players 50    drive the complete game flow against a running server
  $ dt doctor                           what is wrong between here and the inbox, and what to do
  $ dt outbox summary                   what was given up; dt outbox replay sends it after all
  $ dt reconcile --projections          hold money, messages and statements against each other
  $ dt mqadmin consumerProgress
  $ dt sql "SELECT status, count(*) FROM outbox GROUP BY 1"

Exit codes: 0 good, 1 a fault was found, 2 the call was wrong, 130 interrupted.`,
      )
      .configureHelp({ sortSubcommands: true, showGlobalOptions: true })
      .showSuggestionAfterError()
      // What follows the name of a command belongs to it, as mqadmin's -v does.
      .enablePositionalOptions()
      .addCommand(serveCommand())
      .addCommand(migrateCommand())
      .addCommand(configCommand())
      .addCommand(playCommand())
      .addCommand(sqlCommand())
      .addCommand(doctorCommand())
      .addCommand(reconcileCommand())
      .addCommand(outboxCommand())
      .addCommand(inboxCommand())
      .addCommand(mqadminCommand())
  );
}
