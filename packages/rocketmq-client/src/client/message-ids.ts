import { randomBytes } from 'node:crypto';
import { createUniqueKeyFactory } from '@dt/rocketmq-protocol';
import { localIp } from './client-id.ts';

/** Ids of messages that no other producer makes, in this process or another. */
export function messageIds(): () => string {
  return createUniqueKeyFactory({
    ip: localIp(),
    pid: process.pid,
    instance: randomBytes(4).readInt32BE(),
    now: Date.now,
  });
}
