import type { Config } from '../config/index.ts';

/**
 * How messages leave this server.
 * - `enabled`: an endpoint and both keys are configured.
 * - `disabled`: an endpoint without keys. Rows wait in the outbox, and the log says so.
 * - `silent`: no endpoint. Rows wait, and no line speaks of it.
 */
export type MessagingMode = 'enabled' | 'disabled' | 'silent';

export function messagingMode(rocketmq: Config['rocketmq']): MessagingMode {
  if (rocketmq.name_server === '') return 'silent';
  return rocketmq.access_key === '' || rocketmq.secret_key === '' ? 'disabled' : 'enabled';
}
