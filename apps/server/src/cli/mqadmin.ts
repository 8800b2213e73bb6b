import { type ConnectionDefaults, runMqadmin } from '@dt/mqadmin';
import { Command } from 'commander';
import { readSettings } from './settings.ts';

export function mqadminCommand(): Command {
  return (
    new Command('mqadmin')
      .description("RocketMQ's mqadmin: topics, groups, messages, brokers; see dt mqadmin --help")
      .argument('[args...]')
      // Its flags are its own: `-c` is a cluster there, and `--help` its help.
      .helpOption(false)
      .allowUnknownOption()
      .passThroughOptions()
      .action(async (args: string[]) => {
        process.exitCode = await runMqadmin(args, { name: 'dt mqadmin', defaults: configured });
        // Whoever interrupts does not want to wait for connections that are still being made.
        if (process.exitCode === 130) process.exit();
      })
  );
}

/** The NameServers and the account of this server. */
async function configured(): Promise<ConnectionDefaults> {
  const { config } = await readSettings({ set: [] });
  const { name_server: nameServers, access_key: accessKey, secret_key: secretKey } = config.rocketmq;
  return {
    ...(nameServers !== '' && { nameServers }),
    ...(accessKey !== '' && secretKey !== '' && { credentials: { accessKey, secretKey } }),
  };
}
