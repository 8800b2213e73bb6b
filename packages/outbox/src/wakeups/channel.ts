import { createHash } from 'node:crypto';

/** PostgreSQL takes names of channels up to this length. */
const MAX_BYTES = 63;

/** The channel on which the relays of one schema hear of commits; notifications stay within a database by themselves. */
export function wakeupChannel(schema: string): string {
  const name = `outbox:${schema}`;
  if (Buffer.byteLength(name) <= MAX_BYTES) return name;
  return `outbox:${createHash('sha256').update(schema).digest('hex').slice(0, 32)}`;
}
