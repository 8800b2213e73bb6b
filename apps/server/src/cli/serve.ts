import { Command, Option } from 'commander';
import { Registry } from 'prom-client';
import { RunningConfig, type ConfigOverride, type OpenConfig } from '../config/index.ts';
import { createLog, type Log } from '../log/index.ts';
import { roles, startServer, type Role, type Server } from '../main.ts';
import { configMetrics } from '../operations/config-metrics.ts';
import { exitCodes, WrongCallError } from './exit.ts';
import { readSettings, withSettings, type SettingsFlags } from './settings.ts';

interface ServeFlags extends SettingsFlags {
  embedded?: boolean;
  demo?: boolean;
  port?: string;
  roles: Set<Role>;
}

/** A stop that takes longer than this after the drain is cut: whatever is left is safe to be killed. */
export const stopWithinMs = 20_000;

export function serveCommand(): Command {
  return withSettings(new Command('serve'))
    .description('Run the server.')
    .option('--embedded', 'start PostgreSQL and RocketMQ in this process where none is configured or answers')
    .option('--demo', 'run a demo table whose rounds settle live (needs auth.demo_mode)')
    .option('--no-demo', 'no demo table')
    .option(
      '-p, --port <number>',
      'HTTP port (server.port); without the role http that of health and metrics (server.health_port)',
    )
    .addOption(
      new Option('--roles <list>', `what this instance does: ${roles.join(', ')}`)
        .argParser(parseRoles)
        .default(new Set(roles), 'all'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ dt serve --embedded --demo
  $ dt serve --config config/docker.json --roles http
  $ dt serve --set game.default.betting_seconds=15 --port 8088`,
    )
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const path = (flags.roles?.has('http') ?? true) ? 'server.port' : 'server.health_port';
  const port: ConfigOverride[] =
    flags.port === undefined ? [] : [{ path, value: flags.port, origin: '--port' }];
  const opened = await readSettings(flags, port);
  const { config, warnings } = opened;
  const log = createLog({ level: config.server.log_level, ...config.log });
  for (const warning of warnings) log.warn(warning);

  const stopped = stopSignal();
  const registry = new Registry();
  const server = await startServer({
    config,
    log,
    roles: flags.roles,
    embedded: flags.embedded ?? false,
    demo: flags.demo ?? false,
    dataDir: flags.dataDir,
    registry,
  });
  const running = followConfig(opened, server, log, registry);
  const signal = await stopped;
  log.info({ signal }, 'stopping');
  // Unref'ed, so that it only matters when the stop hangs.
  const withinMs = config.server.drain_seconds * 1000 + stopWithinMs;
  setTimeout(() => {
    log.error({ withinMs }, 'stop took too long: cut');
    process.exit(exitCodes.fault);
  }, withinMs).unref();
  await running.close();
  await server.close();
  log.info('stopped');
}

/** Changes that Nacos tells of, and those of the file when SIGHUP asks for them. */
function followConfig(opened: OpenConfig, server: Server, log: Log, registry: Registry): RunningConfig {
  const running = new RunningConfig({
    opened,
    apply: (config) => server.configure(config),
    log,
    ...configMetrics(registry),
  });
  // At a terminal it means that the terminal is gone, and Windows knows it as nothing else.
  if (process.platform !== 'win32' && !process.stdin.isTTY) process.on('SIGHUP', () => running.reload());
  return running;
}

/** The first SIGINT or SIGTERM. A second one ends the process at once: somebody is in a hurry. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let seen = false;
    const onSignal = (signal: NodeJS.Signals): void => {
      if (seen) process.exit(signal === 'SIGINT' ? 130 : 143);
      seen = true;
      resolve(signal);
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}

function parseRoles(text: string): Set<Role> {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const known = (name: string): name is Role => (roles as readonly string[]).includes(name);
  const unknown = names.filter((name) => !known(name));
  if (names.length === 0 || unknown.length > 0) {
    throw new WrongCallError(`--roles takes a list of ${roles.join(', ')}, not '${text}'`);
  }
  return new Set(names.filter(known));
}
