export { startMessaging, type Messaging, type MessagingOptions } from './messaging.ts';
export { messagingMode, type MessagingMode } from './mode.ts';
