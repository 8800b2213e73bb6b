import { encodeIp } from './host.ts';

export interface UniqueKeyOptions {
  /** Address of this host, IPv4 or IPv6. */
  ip: string;
  /** Process id; the low 16 bits are used. */
  pid: number;
  /** Any number that differs between processes with the same address and pid, for example a random int32. */
  instance: number;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * Makes UNIQ_KEY values, the message ids of clients: address, pid, instance, milliseconds since the first of the
 * month in local time, counter; upper-case hex of 32 (IPv4) or 56 (IPv6) characters, because tools read the time
 * out of the text.
 */
export function createUniqueKeyFactory(options: UniqueKeyOptions): () => string {
  const ip = encodeIp(options.ip);
  const fixed = Buffer.alloc(ip.length + 6);
  ip.copy(fixed, 0);
  fixed.writeUInt16BE(options.pid & 0xffff, ip.length);
  fixed.writeInt32BE(options.instance | 0, ip.length + 2);
  const prefix = fixed.toString('hex').toUpperCase();
  let monthStart = 0;
  let nextMonthStart = 0;
  let counter = 0;
  // The time part changes once a millisecond, keys are made many times in it.
  let lastNow = -1;
  let timed = prefix;
  return () => {
    const now = options.now();
    if (now !== lastNow) {
      if (now >= nextMonthStart || now < monthStart) {
        const date = new Date(now);
        monthStart = new Date(date.getFullYear(), date.getMonth(), 1).getTime();
        nextMonthStart = new Date(date.getFullYear(), date.getMonth() + 1, 1).getTime();
      }
      lastNow = now;
      timed = prefix + hex((now - monthStart) >>> 0, 8);
    }
    counter = (counter + 1) & 0xffff;
    return timed + HEX_OF_BYTE[counter >> 8] + HEX_OF_BYTE[counter & 0xff];
  };
}

/** Made once: a producer of batches makes half a million keys a second. */
const HEX_OF_BYTE: readonly string[] = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
