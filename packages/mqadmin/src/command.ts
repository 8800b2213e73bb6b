import type { Admin, ClientOptions } from '@dt/rocketmq-client';
import type { Flags, FlagValues } from './flags.ts';
import type { Output } from './output/index.ts';

/** What a command gets to do its work. */
export interface Call<F extends Flags> {
  readonly flags: FlagValues<F>;
  readonly out: Output;
  /** Fires when the user has had enough. */
  readonly signal: AbortSignal;
  /** For clients other than the admin client. */
  readonly clientOptions: ClientOptions;
  /** A started client, the same at every call; it is closed when the command ends. */
  readonly connect: () => Promise<Admin>;
}

export interface AdminCommand<F extends Flags = Flags> {
  readonly name: string;
  readonly summary: string;
  readonly flags: F;
  /** Names of flags of which exactly one must be given. */
  readonly oneOf?: readonly (keyof F & string)[];
  /** Arguments of a call, without the name of the program. */
  readonly examples: readonly string[];
  /** More for the help than the flags say. */
  readonly notes?: string;
  /** Throws WrongCallError and FaultError, and what the client throws. */
  run(call: Call<F>): Promise<void>;
}

/** Gives `run` the types of the flags. */
export function defineCommand<F extends Flags>(command: AdminCommand<F>): AdminCommand {
  return command as unknown as AdminCommand;
}
