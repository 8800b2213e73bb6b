import { ResponseCode, type RemotingCommand } from '@dt/rocketmq-protocol';
import { Refusal } from './answers.ts';

/** A text a request must carry, for the few commands that have no file of their own in the protocol package. */
export function requiredText(request: RemotingCommand, name: string): string {
  const value = request.extFields[name];
  if (value === undefined) throw new Refusal(ResponseCode.SYSTEM_ERROR, `the custom field <${name}> is null`);
  return value;
}

export function requiredInteger(request: RemotingCommand, name: string): number {
  return toInteger(name, requiredText(request, name));
}

/** One that a real server keeps in 32 bits. */
export function requiredInt32(request: RemotingCommand, name: string): number {
  const value = requiredInteger(request, name);
  if (value !== (value | 0)) throw notAnInteger(name);
  return value;
}

export function optionalText(request: RemotingCommand, name: string): string | undefined {
  return request.extFields[name];
}

export function optionalInteger(request: RemotingCommand, name: string): number | undefined {
  const value = request.extFields[name];
  return value === undefined ? undefined : toInteger(name, value);
}

export function optionalBoolean(request: RemotingCommand, name: string): boolean | undefined {
  const value = request.extFields[name];
  return value === undefined ? undefined : value.toLowerCase() === 'true';
}

/** Timestamps may be Long.MAX_VALUE: rounding there does no harm. */
function toInteger(name: string, text: string): number {
  const value = /^[+-]?\d{1,20}$/.test(text) ? Number(text) : Number.NaN;
  if (Math.abs(value) <= 2 ** 63) return value;
  throw notAnInteger(name);
}

function notAnInteger(name: string): Refusal {
  return new Refusal(ResponseCode.SYSTEM_ERROR, `the custom field <${name}> is not an integer`);
}

/**
 * JSON as real servers write maps with queues as keys: the key is the object itself, without quotes. A client that
 * cannot read that fails here, too, and not only later.
 */
export function withObjectKeys(body: Buffer): Buffer {
  const text = body
    .toString()
    .replace(/"(\{(?:[^"\\]|\\.)*\})":/g, (_, key: string) => `${key.replaceAll('\\"', '"')}:`);
  return Buffer.from(text);
}

export function jsonBody(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
