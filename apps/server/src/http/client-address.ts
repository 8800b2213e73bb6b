import { BlockList, isIP, isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { parseIpRange } from '../config/index.ts';

/** A set of addresses and ranges. */
export class AddressList {
  readonly #list = new BlockList();

  constructor(ranges: readonly string[]) {
    for (const text of ranges) {
      const range = parseIpRange(text);
      if (range === undefined) throw new TypeError(`not an address or range: ${text}`);
      this.#list.addSubnet(range.address, range.prefix, range.family);
    }
  }

  has(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#list.check(address, version === 4 ? 'ipv4' : 'ipv6');
  }
}

/** Without the wrapping that a dual-stack socket gives to IPv4: `::ffff:10.0.0.7` is `10.0.0.7`. */
export function plainAddress(address: string): string {
  const inner = /^::ffff:(?<v4>[0-9.]+)$/i.exec(address)?.groups?.['v4'];
  return inner !== undefined && isIPv4(inner) ? inner : address;
}

/**
 * Who calls. Headers are believed only behind a trusted proxy, since anybody can send them.
 *
 * @param trust false: the peer. true: `X-Real-IP`, else the first of `X-Forwarded-For`, else the peer. A list of
 * proxies: the same when the peer is one of them, but of `X-Forwarded-For` the last that is not a proxy, which a
 * caller cannot forge.
 */
export function clientAddressReader(trust: boolean | readonly string[]): (request: FastifyRequest) => string {
  const peerOf = (request: FastifyRequest): string => plainAddress(request.raw.socket.remoteAddress ?? '');
  if (trust === false) return peerOf;
  const proxies = trust === true ? undefined : new AddressList(trust);
  return (request) => {
    const peer = peerOf(request);
    if (proxies !== undefined && !proxies.has(peer)) return peer;
    const real = validAddress(headerText(request.headers['x-real-ip']));
    if (real !== undefined) return real;
    const forwarded = headerText(request.headers['x-forwarded-for']).split(',');
    const chosen =
      proxies === undefined
        ? forwarded[0]
        : forwarded.findLast((entry) => !proxies.has(plainAddress(entry.trim())));
    return validAddress(chosen ?? '') ?? peer;
  };
}

function headerText(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

function validAddress(text: string): string | undefined {
  const address = plainAddress(text.trim());
  return isIP(address) === 0 ? undefined : address;
}
