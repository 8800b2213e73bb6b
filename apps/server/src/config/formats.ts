import { isIP } from 'node:net';
import { parseAmount } from '../wallet/money.ts';

export interface IpRange {
  readonly address: string;
  /** Bits that count: 32 or 128 for one address. */
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** An address `10.0.0.7` or a range `10.0.0.0/8`, of either family; IPv4 wrapped in IPv6 is taken for what it is. */
export function parseIpRange(text: string): IpRange | undefined {
  const [address = '', prefixText, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return undefined;
  const bits = version === 4 ? 32 : 128;
  if (prefixText !== undefined && !/^(0|[1-9][0-9]{0,2})$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return undefined;
  const wrapped = /^::ffff:(?<v4>[0-9.]+)$/i.exec(address)?.groups?.['v4'];
  if (wrapped !== undefined && prefix >= 96) return { address: wrapped, prefix: prefix - 96, family: 'ipv4' };
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}

function isAddress(text: string): boolean {
  const match = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9._-]+)):(?<port>[0-9]{1,5})$/.exec(text);
  if (match?.groups === undefined) return false;
  const { v6, port } = match.groups;
  return (v6 === undefined || isIP(v6) === 6) && Number(port) >= 1 && Number(port) <= 65_535;
}

function isPostgresUrl(text: string): boolean {
  // An address of a socket has no host: `postgresql://user@/database?host=/run/postgresql`, which URL does not take.
  const withHost = text.replace(/^(postgres(?:ql)?:\/\/(?:[^/@]*@)?)\//, '$1localhost/');
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(withHost);
}

function isOrigin(text: string): boolean {
  if (text === '*') return true;
  // `file:` pages and sandboxed frames send the word null; naming it would let in every such page.
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text.toLowerCase();
}

/** The checks that JSON Schema has no word for, by the name under which the schema uses them. */
export const formats = {
  money: {
    check: (text: string) => (parseAmount(text) ?? 0n) > 0n,
    allowed: 'an amount above 0 as text with at most two decimals, "100.00"',
  },
  ipRange: {
    check: (text: string) => parseIpRange(text) !== undefined,
    allowed: 'an IP address or a range such as 10.0.0.0/8',
  },
  addressList: {
    check: (text: string) => text === '' || text.split(/[;,]/).every((part) => isAddress(part.trim())),
    allowed: 'host:port, several joined by ";", or nothing',
  },
  postgresUrl: {
    check: isPostgresUrl,
    allowed: 'a PostgreSQL address, postgres://user:password@host:5432/database',
  },
  origin: { check: isOrigin, allowed: 'an origin such as http://localhost:3000 (no path), or *' },
  token: {
    check: (text: string) => /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text),
    allowed: 'a name without blanks',
  },
} as const satisfies Record<string, { check: (text: string) => boolean; allowed: string }>;
