import { BlockList, isIP } from 'node:net';
import { parseAmount } from '../wallet/money.ts';
import type { ConfigFault } from './errors.ts';
import type { Config } from './schema.ts';

/** The token of the sample files, known to everybody who can read. */
export const SAMPLE_ADMIN_TOKEN = 'admin_secret_token_change_in_production';

type Rules = Config['game']['default'];

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether only this machine can reach a server that listens there. */
export function isLoopbackHost(host: string): boolean {
  const version = isIP(host);
  return version === 0 ? host === 'localhost' : loopback.check(host, version === 4 ? 'ipv4' : 'ipv6');
}

/** Every way to write the address of all networks, the odd ones that a resolver takes included. */
function isWildcard(host: string): boolean {
  return /^[0x.:*]+$/i.test(host) || /^::ffff:0\.0\.0\.0$/i.test(host);
}

/**
 * What one setting alone cannot show to be wrong: openings to the network that nobody asked for by name,
 * limits that contradict each other, names given twice.
 */
export function checkTogether(
  config: Config,
  sourceOf: (path: string) => string,
): { faults: ConfigFault[]; warnings: string[] } {
  const faults: ConfigFault[] = [];
  const fault = (path: string, text: string): void => {
    faults.push({ path, message: `${sourceOf(path)}: ${path} ${text}` });
  };
  const warnings = checkOpenings(config, fault);
  checkPlatforms(config, fault);
  checkLimits('game.default', config.game.default, fault);
  for (const [room, rules] of Object.entries(config.game.tables)) {
    checkLimits(`game.tables.${room}`, { ...config.game.default, ...rules }, fault);
  }
  return { faults, warnings };
}

type Fault = (path: string, text: string) => void;

/** Calls without proof of who calls are for this machine, or for an address that somebody wrote down for it. */
function checkOpenings({ auth, server }: Config, fault: Fault): string[] {
  const warnings: string[] = [];
  const { host } = server;
  const local = isLoopbackHost(host);
  const named = local || !isWildcard(host) || auth.demo_listen === host;
  const opened: [path: string, value: string, what: string][] = [];
  if (auth.demo_mode) opened.push(['auth.demo_mode', 'true', 'players are not authenticated']);
  if (!auth.admin.enabled) opened.push(['auth.admin.enabled', 'false', 'dealer calls are not authenticated']);
  for (const [path, value, what] of opened) {
    if (named) {
      warnings.push(
        `${path} is ${value}: ${what} on ${host}${local ? '' : ', which other machines may reach'}`,
      );
    } else {
      fault(
        path,
        `is ${value} while server.host is ${host}, every network of this machine; allowed: server.host localhost or ` +
          `one address, or auth.demo_listen ${host} to say that this is meant`,
      );
    }
  }
  if (auth.admin.enabled && auth.admin.token === '') {
    warnings.push('auth.admin.token is not set: every dealer call is refused');
  }
  if (auth.admin.enabled && auth.admin.token === SAMPLE_ADMIN_TOKEN && !local) {
    warnings.push(`auth.admin.token is the one of the sample files, which everybody knows, on ${host}`);
  }
  return warnings;
}

function checkPlatforms({ auth }: Config, fault: Fault): void {
  const seenKeys = new Set<string>();
  const seenIds = new Set<number>();
  auth.platforms.forEach(({ app_key, platform_id }, index) => {
    if (seenKeys.has(app_key))
      fault(`auth.platforms.${index}.app_key`, `is "${app_key}" twice; allowed: a key per platform`);
    if (seenIds.has(platform_id)) {
      fault(`auth.platforms.${index}.platform_id`, `is ${platform_id} twice; allowed: a number per platform`);
    }
    seenKeys.add(app_key);
    seenIds.add(platform_id);
  });
}

function checkLimits(path: string, rules: Rules, fault: Fault): void {
  const order = ['min_bet', 'max_bet', 'max_player_round'] as const;
  for (const [index, upper] of order.entries()) {
    const lower = order[index - 1];
    if (lower === undefined) continue;
    if ((parseAmount(rules[upper]) ?? 0n) < (parseAmount(rules[lower]) ?? 0n)) {
      fault(`${path}.${upper}`, `is "${rules[upper]}"; allowed: at least ${lower}, "${rules[lower]}"`);
    }
  }
}
