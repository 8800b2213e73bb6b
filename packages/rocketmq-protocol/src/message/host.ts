import { ProtocolError } from '../errors.ts';

/** Address of a peer as messages carry it. */
export interface Host {
  /** IPv4 or IPv6 address, no name. */
  ip: string;
  port: number;
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** 4 or 16 bytes. */
export function encodeIp(ip: string): Buffer {
  return encodeIpv4(ip) ?? encodeIpv6(ip) ?? invalid(ip);
}

/** Text of 4 or 16 bytes. */
export function decodeIp(bytes: Buffer): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  // The longest run of zero groups becomes `::`.
  const text = groups.join(':');
  const runs = text.match(/(?:^|:)0(?::0)+(?=:|$)/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  const at = text.indexOf(longest);
  return `${text.slice(0, at)}::${text.slice(at + longest.length).replace(/^:/, '')}`;
}

export function isIpv6(ip: string): boolean {
  return ip.includes(':');
}

function encodeIpv4(ip: string): Buffer | undefined {
  const match = IPV4.exec(ip);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.some((byte) => byte > 255) ? undefined : Buffer.from(bytes);
}

function encodeIpv6(ip: string): Buffer | undefined {
  const halves = ip.replace(/%.*$/, '').split('::');
  if (halves.length > 2 || !ip.includes(':')) return undefined;
  const parts = halves.map((half) => (half === '' ? [] : groupBytes(half.split(':'))));
  const [left, right] = [parts[0], halves.length === 2 ? parts[1] : []];
  if (left === undefined || right === undefined) return undefined;
  const gap = 16 - left.length - right.length;
  if (halves.length === 2 ? gap < 0 : gap !== 0) return undefined;
  return Buffer.from([...left, ...new Array<number>(gap).fill(0), ...right]);
}

function groupBytes(groups: string[]): number[] | undefined {
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const mapped = index === groups.length - 1 ? encodeIpv4(group) : undefined;
    if (mapped !== undefined) bytes.push(...mapped);
    else if (/^[0-9a-fA-F]{1,4}$/.test(group))
      bytes.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return bytes;
}

function invalid(ip: string): never {
  throw new ProtocolError('field-invalid', `${JSON.stringify(ip)} is not an IP address`);
}
