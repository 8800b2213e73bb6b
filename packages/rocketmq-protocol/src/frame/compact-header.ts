import { languageFromNumber, languageToNumber } from '../codes/language.ts';
import { ProtocolError } from '../errors.ts';
import { EMPTY_BODY, type RemotingCommand } from './command.ts';

const FIXED_BYTES = 21;

/**
 * The binary header. Its `code` has 16 bits: larger codes (the pop family) are refused here, because
 * cutting them, as other implementations do, would run a different request.
 */
export function encodeCompactHeader(command: RemotingCommand): Buffer {
  if (command.code < -0x8000 || command.code > 0x7fff) {
    throw new ProtocolError('field-invalid', `code ${command.code} does not fit a compact header: use JSON`);
  }
  const remark = Buffer.from(command.remark ?? '');
  const entries: [Buffer, Buffer][] = [];
  let extBytes = 0;
  for (const [key, value] of Object.entries(command.extFields)) {
    const entry: [Buffer, Buffer] = [Buffer.from(key), Buffer.from(value)];
    if (entry[0].length > 0x7fff)
      throw new ProtocolError('field-invalid', 'extFields: a key is longer than 32767 bytes');
    entries.push(entry);
    extBytes += 6 + entry[0].length + entry[1].length;
  }
  const out = Buffer.allocUnsafe(FIXED_BYTES + remark.length + extBytes);
  out.writeInt16BE(command.code, 0);
  out.writeInt8(languageToNumber(command.language), 2);
  out.writeInt16BE(command.version, 3);
  out.writeInt32BE(command.opaque, 5);
  out.writeInt32BE(command.flag, 9);
  out.writeInt32BE(remark.length, 13);
  remark.copy(out, 17);
  let at = 17 + remark.length;
  at = out.writeInt32BE(extBytes, at);
  for (const [key, value] of entries) {
    at = out.writeInt16BE(key.length, at);
    at += key.copy(out, at);
    at = out.writeInt32BE(value.length, at);
    at += value.copy(out, at);
  }
  return out;
}

export function decodeCompactHeader(header: Buffer): RemotingCommand {
  if (header.length < FIXED_BYTES) throw malformed(`${header.length} bytes are fewer than ${FIXED_BYTES}`);
  const command: RemotingCommand = {
    code: header.readInt16BE(0),
    language: languageFromNumber(header.readInt8(2)),
    version: header.readInt16BE(3),
    opaque: header.readInt32BE(5),
    flag: header.readInt32BE(9),
    extFields: Object.create(null) as Record<string, string>,
    body: EMPTY_BODY,
  };
  const remarkEnd = end(header, 17, header.readInt32BE(13), 'remark');
  if (remarkEnd > 17) command.remark = header.toString('utf8', 17, remarkEnd);
  if (remarkEnd + 4 > header.length) throw malformed('the length of the fields is missing');
  const stop = end(header, remarkEnd + 4, header.readInt32BE(remarkEnd), 'fields');
  let at = remarkEnd + 4;
  while (at < stop) {
    if (at + 2 > stop) throw malformed('a field key is cut');
    const keyEnd = end(header, at + 2, header.readInt16BE(at), 'field key', stop);
    if (keyEnd + 4 > stop) throw malformed('a field value is cut');
    const valueEnd = end(header, keyEnd + 4, header.readInt32BE(keyEnd), 'field value', stop);
    // Zero-length keys and values read as absent.
    if (keyEnd > at + 2 && valueEnd > keyEnd + 4) {
      command.extFields[header.toString('utf8', at + 2, keyEnd)] = header.toString(
        'utf8',
        keyEnd + 4,
        valueEnd,
      );
    }
    at = valueEnd;
  }
  return command;
}

function end(header: Buffer, start: number, length: number, what: string, limit = header.length): number {
  if (length < 0 || start + length > limit) throw malformed(`${what} of ${length} bytes runs over the end`);
  return start + length;
}

function malformed(detail: string): ProtocolError {
  return new ProtocolError('header-malformed', `compact header: ${detail}`);
}
