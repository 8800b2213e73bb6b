import { ProtocolError } from '../errors.ts';
import type { RemotingCommand } from './command.ts';
import { decodeCompactHeader, encodeCompactHeader } from './compact-header.ts';
import { decodeJsonHeader, jsonHeaderText } from './json-header.ts';

export type SerializeType = 'json' | 'compact';

const COMPACT = 1;
const MAX_HEADER_BYTES = 0xffffff;

export interface EncodeOptions {
  /** Form of the header. JSON carries every code and is what a broker answers with. @default 'json' */
  serializeType?: SerializeType;
}

/** Length, header and (first 8 + header bytes) of a frame whose body is written behind it, uncopied. */
export function encodeCommandHead(command: RemotingCommand, options: EncodeOptions = {}): Buffer {
  if (options.serializeType === 'compact') return headOf(encodeCompactHeader(command), command.body.length);
  const text = jsonHeaderText(command);
  const headerBytes = Buffer.byteLength(text);
  const head = headFor(headerBytes, command.body.length);
  head.write(text, 8);
  return head;
}

function headOf(compactHeader: Buffer, bodyBytes: number): Buffer {
  const head = headFor(compactHeader.length, bodyBytes);
  head[4] = COMPACT;
  compactHeader.copy(head, 8);
  return head;
}

/** Room for a header behind the two lengths, which are written. */
function headFor(headerBytes: number, bodyBytes: number): Buffer {
  if (headerBytes > MAX_HEADER_BYTES) {
    throw new ProtocolError(
      'frame-too-large',
      `header of ${headerBytes} bytes, allowed are ${MAX_HEADER_BYTES}`,
    );
  }
  const head = Buffer.allocUnsafe(8 + headerBytes);
  head.writeUInt32BE(4 + headerBytes + bodyBytes, 0);
  head.writeUInt32BE(headerBytes, 4);
  return head;
}

/** The whole frame in one buffer. */
export function encodeCommand(command: RemotingCommand, options: EncodeOptions = {}): Buffer {
  const head = encodeCommandHead(command, options);
  return command.body.length === 0 ? head : Buffer.concat([head, command.body]);
}

/**
 * Decodes the bytes behind the length field: all of `bytes`, or those from `start` to `end`. The body is a view of
 * them, not a copy.
 */
export function decodeFrame(bytes: Buffer, start = 0, end = bytes.length): RemotingCommand {
  const frameBytes = end - start;
  if (frameBytes < 4)
    throw new ProtocolError('frame-malformed', `frame of ${frameBytes} bytes has no header length`);
  const serializeType = bytes.readUInt8(start);
  const headerBytes = bytes.readUIntBE(start + 1, 3);
  if (headerBytes > frameBytes - 4) {
    throw new ProtocolError('frame-malformed', `header of ${headerBytes} bytes in a frame of ${frameBytes}`);
  }
  const bodyStart = start + 4 + headerBytes;
  let command: RemotingCommand;
  if (serializeType === 0) command = decodeJsonHeader(bytes.toString('utf8', start + 4, bodyStart));
  else if (serializeType === COMPACT) command = decodeCompactHeader(bytes.subarray(start + 4, bodyStart));
  else throw new ProtocolError('frame-malformed', `unknown serialize type ${serializeType}`);
  if (end > bodyStart) command.body = bytes.subarray(bodyStart, end);
  return command;
}
