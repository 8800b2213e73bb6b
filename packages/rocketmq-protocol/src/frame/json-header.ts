import { languageFromName } from '../codes/language.ts';
import { ProtocolError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json/json-value.ts';
import { parseFastjson } from '../json/parse-fastjson.ts';
import { EMPTY_BODY, type RemotingCommand } from './command.ts';

const INT32_MIN = -0x80000000;
const INT32_MAX = 0x7fffffff;

/** Keys in the order Java writes them; parsers do not care, golden bytes do. */
export function jsonHeaderText(command: RemotingCommand): string {
  return JSON.stringify({
    code: command.code,
    extFields: command.extFields,
    flag: command.flag,
    language: command.language,
    opaque: command.opaque,
    remark: command.remark,
    serializeTypeCurrentRPC: 'JSON',
    version: command.version,
  });
}

export function decodeJsonHeader(text: string): RemotingCommand {
  const value = parseFastjson(text);
  if (!isJsonObject(value)) throw new ProtocolError('header-malformed', 'JSON header is not an object');
  const command: RemotingCommand = {
    code: int32(value, 'code'),
    language: languageFromName(value['language']),
    version: int32(value, 'version', 0),
    opaque: int32(value, 'opaque'),
    flag: int32(value, 'flag', 0),
    extFields: extFields(value['extFields']),
    body: EMPTY_BODY,
  };
  const remark = value['remark'];
  if (typeof remark === 'string') command.remark = remark;
  return command;
}

function int32(header: JsonObject, name: string, whenAbsent?: number): number {
  const value = header[name] ?? whenAbsent;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < INT32_MIN || value > INT32_MAX) {
    throw new ProtocolError('header-malformed', `JSON header: ${name} is not an int32`);
  }
  return value;
}

function extFields(value: unknown): Record<string, string> {
  if (value === undefined || value === null) return withoutPrototype({});
  if (!isJsonObject(value))
    throw new ProtocolError('header-malformed', 'JSON header: extFields is not an object');
  return isTextsOnly(value) ? withoutPrototype(value) : textsOf(value);
}

function isTextsOnly(value: JsonObject): value is Record<string, string> {
  for (const key in value) if (typeof value[key] !== 'string') return false;
  return true;
}

function textsOf(value: JsonObject): Record<string, string> {
  const fields = withoutPrototype({});
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === 'string') fields[key] = entry;
    // Java's parser turns scalars into text; null stays absent here, as an absent field reads the same.
    else if (typeof entry === 'number' || typeof entry === 'boolean') fields[key] = String(entry);
    else if (entry !== null)
      throw new ProtocolError('header-malformed', `JSON header: extFields.${key} is not a text`);
  }
  return fields;
}

/** Field names come from the peer, and `constructor` must not find anything. */
function withoutPrototype(fields: Record<string, string>): Record<string, string> {
  return Object.setPrototypeOf(fields, null) as Record<string, string>;
}
