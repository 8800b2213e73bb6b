import { encodeIp } from '@dt/rocketmq-protocol';

/** IPv4 in IPv6 clothes (`::ffff:127.0.0.1`) is IPv4: ids and messages then have the short form. */
export function plainIp(ip: string): string {
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice('::ffff:'.length) : ip;
}

/** Address and port as messages carry them: 8 or 20 bytes. */
export function encodeHost(ip: string, port: number): Buffer {
  const bytes = encodeIp(plainIp(ip));
  const out = Buffer.alloc(bytes.length + 4);
  bytes.copy(out);
  out.writeInt32BE(port, bytes.length);
  return out;
}

/** `ip:port`, the address in brackets when it is IPv6. */
export function hostText(ip: string, port: number): string {
  const plain = plainIp(ip);
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}
