export { BacklogWatch } from './backlog-watch.ts';
export { outboxHealth, type OutboxHealth } from './health.ts';
export { MessagingMetrics } from './metrics.ts';
export { startMessaging, type Messaging, type MessagingOptions } from './messaging.ts';
export { messagingMode, type MessagingMode } from './mode.ts';
