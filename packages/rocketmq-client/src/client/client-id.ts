import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';

/** The first IPv4 address that others can reach, else loopback. */
export function localIp(): string {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const address of addresses ?? [])
      if (address.family === 'IPv4' && !address.internal) return address.address;
  }
  return '127.0.0.1';
}

/** `ip@pid#something`, with a unit `ip@pid#something@unit`: one a client, also for several in one process. */
export function newClientId(unitName?: string): string {
  const unit = unitName === undefined ? '' : `@${unitName}`;
  return `${localIp()}@${process.pid}#${randomBytes(6).toString('hex')}${unit}`;
}
