export {
  Admin,
  type AdminOptions,
  type CreateSubscriptionGroupOptions,
  type CreateTopicOptions,
  type GroupConsumeStats,
} from './admin.ts';
