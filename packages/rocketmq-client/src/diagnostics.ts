import { channel } from 'node:diagnostics_channel';

/**
 * Channels of `node:diagnostics_channel`. Nothing is computed while nobody listens: ask `hasSubscribers` first.
 *
 * - `rocketmq:connect` `{ address }`, `rocketmq:disconnect` `{ address, error }`
 * - `rocketmq:request` `{ address, code, durationMs, responseCode?, error? }`: every request that waits for an answer
 * - `rocketmq:send` `{ topic, queueId, brokerName, messages, sizeBytes, durationMs, error? }`
 * - `rocketmq:receive` `{ group, topic, queueId, brokerName, messages, durationMs?, error? }`: to a handler, or by a poll or pop
 * - `rocketmq:rebalance` `{ group, topic, queues, added, removed }`
 */
export const channels = {
  connect: channel('rocketmq:connect'),
  disconnect: channel('rocketmq:disconnect'),
  request: channel('rocketmq:request'),
  send: channel('rocketmq:send'),
  receive: channel('rocketmq:receive'),
  rebalance: channel('rocketmq:rebalance'),
};
