import { ProtocolError } from '../errors.ts';
import { decodeIp, encodeIp, type Host } from './host.ts';
import { readInt64 } from './int64.ts';

const FORM = /^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{56})$/;

/** The server's id of a message: where it is stored. */
export interface OffsetMessageId {
  storeHost: Host;
  physicalOffset: number;
}

/** The messages of one pull come from one store host: its part of the text is made once. */
let lastHost: Host = { ip: '', port: 0 };
let lastHostText = '';

/** Upper-case hex of address, port and commit log offset: 32 characters (IPv4) or 56 (IPv6). */
export function encodeOffsetMessageId(id: OffsetMessageId): string {
  const { storeHost, physicalOffset } = id;
  if (!Number.isSafeInteger(physicalOffset) || physicalOffset < 0) {
    throw new ProtocolError(
      'field-invalid',
      `physical offset ${physicalOffset} is not an exact int64 from 0 up`,
    );
  }
  if (storeHost.ip !== lastHost.ip || storeHost.port !== lastHost.port) {
    lastHostText = hostText(storeHost);
    lastHost = { ip: storeHost.ip, port: storeHost.port };
  }
  return lastHostText + physicalOffset.toString(16).toUpperCase().padStart(16, '0');
}

function hostText(host: Host): string {
  const ip = encodeIp(host.ip);
  const bytes = Buffer.alloc(ip.length + 4);
  ip.copy(bytes, 0);
  bytes.writeInt32BE(host.port, ip.length);
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
