import {
  commands,
  isValidName,
  MAX_TOPIC_LENGTH,
  sqlSubscriptionOf,
  type SubscriptionData,
  subscriptionOf,
  withNamespace,
} from '@dt/rocketmq-protocol';
import type { ClientInstance } from '../client/index.ts';
import { messageOf, RocketMQError } from '../errors.ts';
import { invalidOption, oneOf } from '../options.ts';
import { masterAddress } from '../routes/index.ts';

export interface Subscription {
  topic: string;
  /** `*`, or tags as `TagA || TagB`; with type SQL92 a condition on the properties of a message. */
  expression: string;
  /**
   * `TAG` chooses by tag. `SQL92` chooses by property, as `region = 'eu' AND amount > 100`, with the tag as property
   * `TAGS`; the brokers must have `enablePropertyFilter=true`. @default 'TAG'
   */
  type?: 'TAG' | 'SQL92';
}

/** Which messages of a topic are wanted. */
export type MessageFilter = Pick<Subscription, 'expression' | 'type'>;

/** The subscriptions of an option, copied; throws `options-invalid` for what no broker would take. */
export function checkSubscriptions(
  value: readonly Subscription[],
  namespace?: string,
): readonly Subscription[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidOption('subscriptions', value, 'expected at least one topic');
  }
  const topics = new Set<string>();
  return value.map((subscription: Subscription) => {
    const { expression } = subscription;
    const topic = typeof subscription.topic === 'string' ? withNamespace(subscription.topic, namespace) : '';
    if (!isValidName(topic, MAX_TOPIC_LENGTH)) {
      throw invalidOption('subscriptions.topic', subscription.topic, 'expected a topic name');
    }
    if (topics.has(topic)) throw invalidOption('subscriptions.topic', topic, 'expected each topic once');
    topics.add(topic);
    filterData('subscriptions', topic, subscription, 0);
    return { topic, expression, type: subscription.type ?? 'TAG' };
  });
}

/** As brokers are told it; throws `options-invalid` for what none would take. */
export function filterData(
  field: string,
  topic: string,
  { expression, type }: MessageFilter,
  subVersion: number,
): SubscriptionData {
  const checked = oneOf(`${field}.type`, type, 'TAG', ['TAG', 'SQL92']);
  try {
    return subscriptionData({ topic, expression, type: checked }, subVersion);
  } catch (error) {
    throw invalidOption(`${field}.expression`, expression, messageOf(error));
  }
}

/** As brokers are told it. */
export function subscriptionData(
  { topic, expression, type }: Subscription,
  subVersion: number,
): SubscriptionData {
  return type === 'SQL92'
    ? sqlSubscriptionOf(topic, expression, subVersion)
    : subscriptionOf(topic, expression, subVersion);
}

/**
 * Has every broker of their topics look at the subscriptions that are not by tag: one that cannot filter by them would
 * refuse each pull. Brokers that make a topic later are not asked.
 *
 * @throws RocketMQError `broker-error` with responseCode 1 when a broker filters by tags only, 23 when it cannot read
 * the expression.
 */
export async function checkWithBrokers(
  client: ClientInstance,
  group: string,
  subscriptions: Iterable<SubscriptionData>,
): Promise<void> {
  const routes = client.routes.known();
  const checks = [...subscriptions]
    .filter(({ expressionType }) => expressionType !== 'TAG')
    .flatMap((subscription) =>
      routes
        .filter(({ topic }) => topic === subscription.topic)
        .flatMap((route) => [...route.brokers.keys()].map((name) => masterAddress(route, name) ?? []))
        .flat()
        .map((address) => check(client, address, group, subscription)),
    );
  await Promise.all(checks);
}

async function check(
  client: ClientInstance,
  address: string,
  group: string,
  subscription: SubscriptionData,
): Promise<void> {
  try {
    await client.request(address, commands.checkClientConfig, {
      clientId: client.clientId,
      group,
      subscription,
    });
  } catch (error) {
    if (!(error instanceof RocketMQError) || error.code !== 'broker-error') throw error;
    const { topic, expressionType, subString } = subscription;
    const text = `subscription of ${topic} by ${expressionType} ${JSON.stringify(subString)}: ${error.message}`;
    throw new RocketMQError('broker-error', text, {
      outcome: 'rejected',
      cause: error,
      ...(error.responseCode !== undefined && { responseCode: error.responseCode }),
    });
  }
}
