import { type Channel, channel } from 'node:diagnostics_channel';

/**
 * Channels of `node:diagnostics_channel`, for observers that the owner of a relay or an inbox knows nothing of.
 *
 * - `outbox:batch` `RelayBatch & { instanceId }`: after each call of the publisher
 * - `outbox:error` `{ instanceId, during, error }`: what the relay tries again
 * - `outbox:retention` `RetentionRun`: after each run
 * - `inbox:batch` `InboxBatch & { consumerGroup }`: after each commit
 * - `inbox:error` `{ consumerGroup, error, messageKey?, tag?, attempt? }`: a handler or a look for retries that failed
 */
export const channels = {
  outboxBatch: channel('outbox:batch'),
  outboxError: channel('outbox:error'),
  retention: channel('outbox:retention'),
  inboxBatch: channel('inbox:batch'),
  inboxError: channel('inbox:error'),
};

/** Makes nothing while nobody listens. */
export function tell(to: Channel, make: () => object): void {
  if (to.hasSubscribers) to.publish(make());
}
