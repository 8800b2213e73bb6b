import { ProtocolError } from '../errors.ts';
import { decodeIp, encodeIp, type Host } from './host.ts';
import { readInt64, writeInt64 } from './int64.ts';

const FORM = /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{56})$/;

/** The server's id of a message: where it is stored. */
export interface OffsetMessageId {
  storeHost: Host;
  physicalOffset: number;
}

/** Upper-case hex of address, port and commit log offset: 32 characters (IPv4) or 56 (IPv6). */
export function encodeOffsetMessageId(id: OffsetMessageId): string {
  const ip = encodeIp(id.storeHost.ip);
  const bytes = Buffer.allocUnsafe(ip.length + 12);
  let at = ip.copy(bytes, 0);
  at = bytes.writeInt32BE(id.storeHost.port, at);
  writeInt64(bytes, id.physicalOffset, at);
  return bytes.toString('hex').toUpperCase();
}

/** Throws `field-invalid` for a text that has not the form of such an id. */
export function decodeOffsetMessageId(text: string): OffsetMessageId {
  if (!FORM.test(text)) {
    throw new ProtocolError(
      'field-invalid',
      `${JSON.stringify(text.slice(0, 80))} is not an offset message id`,
    );
  }
  const bytes = Buffer.from(text, 'hex');
  const ipBytes = bytes.length - 12;
  return {
    storeHost: { ip: decodeIp(bytes.subarray(0, ipBytes)), port: bytes.readInt32BE(ipBytes) },
    physicalOffset: readInt64(bytes, ipBytes + 4),
  };
}
