import { Admin } from '@dt/rocketmq-client';
import { CommanderError } from 'commander';
import { setMaxListeners } from 'node:events';
import { clientOptionsOf, namesServers, type ConnectionDefaults } from './connect.ts';
import { exitCodes } from './exit.ts';
import { explain } from './explain.ts';
import { Output, type Terminal } from './output/index.ts';
import { buildProgram, type RunCommand, withKnownCase } from './program.ts';
import { withNearestName } from './unknown-name.ts';

export interface RunOptions {
  /** How the program is called, for help and errors. @default 'mqadmin' */
  name?: string;
  /** Where RocketMQ is when neither flags nor environment say so. @default nowhere */
  defaults?: () => ConnectionDefaults | Promise<ConnectionDefaults>;
  /** @default process.env */
  env?: NodeJS.ProcessEnv;
  /** @default those of the process */
  terminal?: Terminal;
}

/**
 * Runs one command to its end. Resolves to the exit code: 0 good, 1 a fault was found, 2 the call was wrong, 130
 * interrupted by SIGINT or SIGTERM. A second signal ends the process as usual.
 */
export async function runMqadmin(args: readonly string[], options: RunOptions = {}): Promise<number> {
  const { name = 'mqadmin', terminal = process } = options;
  const interrupt = new AbortController();
  // Every request under way listens, and a command asks many brokers at once: Node would warn of the eleventh.
  setMaxListeners(0, interrupt.signal);
  const stop = (): void => interrupt.abort();
  // A reader that has seen enough, as `head` does, ends the work and is no fault.
  let readerLeft = false;
  const leave = (error: NodeJS.ErrnoException): void => {
    readerLeft ||= error.code === 'EPIPE';
    stop();
  };
  process.once('SIGINT', stop).once('SIGTERM', stop);
  terminal.stdout.on('error', leave);
  try {
    const program = buildProgram(name, terminal, runner(options, terminal, interrupt.signal));
    await program.parseAsync(withKnownCase(args), { from: 'user' });
    return exitCodes.good;
  } catch (error) {
    if (readerLeft) return exitCodes.good;
    if (interrupt.signal.aborted) {
      terminal.stderr.write(`${name}: interrupted\n`);
      return exitCodes.interrupted;
    }
    // Help and version are answers; everything else commander throws is a wrong call, and it has said so.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.good : exitCodes.wrongCall;
    const { exitCode, lines } = explain(error);
    terminal.stderr.write(`${name}: ${lines.join('\n  ')}\n`);
    return exitCode;
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    // That a reader has left is told after the write that found it out.
    await new Promise((resolve) => terminal.stdout.write('', () => setImmediate(resolve)));
    terminal.stdout.off('error', leave);
  }
}

/** Gives a command what it needs and takes it back, also when the user has had enough in the middle. */
function runner(
  { defaults = () => ({}), env = process.env }: RunOptions,
  terminal: Terminal,
  signal: AbortSignal,
): RunCommand {
  return async (command, { flags, general }) => {
    const configured = namesServers(general, env) ? {} : await defaults();
    const clientOptions = clientOptionsOf(general, env, () => configured);
    const out = new Output(terminal, general.json);
    let admin: Promise<Admin> | undefined;
    const connect = (): Promise<Admin> => (admin ??= startAdmin(clientOptions));
    try {
      await endsOrIsInterrupted(command.run({ flags, out, signal, clientOptions, connect }), signal);
    } catch (error) {
      throw admin === undefined || signal.aborted ? error : await withNearestName(error, await admin, signal);
    } finally {
      out.close();
      // Closing rejects what still waits; a client that did not start has closed itself.
      await endsOrIsInterrupted((async () => (await admin)?.close())(), signal).catch(() => undefined);
    }
  };
}

async function startAdmin(options: ConstructorParameters<typeof Admin>[0]): Promise<Admin> {
  const admin = new Admin(options);
  try {
    await admin.start();
    return admin;
  } catch (error) {
    await admin.close();
    throw error;
  }
}

/** The work's own end, or a rejection at once when the signal fires; what then becomes of the work is not waited for. */
function endsOrIsInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new Error('interrupted'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
