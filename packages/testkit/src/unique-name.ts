import { randomBytes } from 'node:crypto';

/** A topic or group name nobody else uses: tests share one broker and must not meet. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${process.pid.toString(36)}-${randomBytes(5).toString('hex')}`;
}
