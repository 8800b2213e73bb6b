import { RocketMQError } from '@dt/rocketmq-client';
import { oneLine } from './probe.ts';
import { type Examination, fault, type Fault, skip, type Surroundings } from './types.ts';

/** 6: the consumer group has members, and keeps up. */
export async function examineConsumer(around: Surroundings): Promise<Examination> {
  const { config, admin, brokers, maxLag } = around;
  const { consumer_group: group, topic_settle: topic } = config.rocketmq;
  const lookedAt = `consumer group ${group}`;
  const asked = brokers.filter(({ info }) => info !== undefined);
  if (admin === undefined || asked.length === 0) return skip(lookedAt, 'no broker answers us');

  const missing = await missingGroup(around, group);
  const clientIds = new Set<string>();
  for (const { address } of asked) {
    const members = await admin.consumerConnections(group, { brokerAddress: address });
    for (const { clientId } of members?.connections ?? []) clientIds.add(clientId);
  }
  const faults: Fault[] = missing === undefined ? [] : [missing];
  if (clientIds.size === 0)
    faults.push(
      fault(
        'no-members',
        'no member of the group is online: messages stay with the broker',
        'start dt serve with this configuration; if it runs, its log has "consumer start failed", and with access control the account needs groupPerms <group>=SUB',
      ),
    );
  const lag = await lagOf(around, group, topic);
  if (lag !== undefined && lag > maxLag)
    faults.push(
      fault(
        'consumer-lag',
        `${lag} messages wait for the group (more than ${maxLag})`,
        'look at point 7 first: a handler that fails holds its key; else add instances (dt serve --roles consumer)',
      ),
    );
  return { lookedAt, found: `${clientIds.size} members, lag ${lag ?? 'unknown'}`, faults };
}

/** Without autoCreateSubscriptionGroup a group must be made before its first member. */
async function missingGroup(
  { admin, brokers, fix }: Surroundings,
  group: string,
): Promise<Fault | undefined> {
  for (const { name, address, config } of brokers) {
    if (admin === undefined || config?.['autoCreateSubscriptionGroup'] !== 'false') continue;
    if ((await admin.subscriptionGroup(address, group)) !== undefined) continue;
    const missing = fault(
      'group-missing',
      `${name} has no group ${group}, and autoCreateSubscriptionGroup=false`,
      `dt doctor --fix, or dt mqadmin updateSubGroup -g ${group} -c DefaultCluster`,
    );
    if (!fix) return missing;
    return admin.createSubscriptionGroup({ group }).then(
      () => ({ ...missing, fixed: 'created' }),
      (error: unknown) => ({ ...missing, evidence: `${missing.evidence}; creating it: ${oneLine(error)}` }),
    );
  }
  return undefined;
}

/** Messages stored and not yet committed by the group; undefined while the topic is not there. */
async function lagOf({ admin }: Surroundings, group: string, topic: string): Promise<number | undefined> {
  try {
    const stats = await admin?.consumeStats(group, topic);
    return stats?.queues.reduce(
      (sum, { brokerOffset, consumerOffset }) => sum + brokerOffset - Math.max(0, consumerOffset),
      0,
    );
  } catch (error) {
    if (error instanceof RocketMQError && error.code === 'topic-not-found') return undefined;
    throw error;
  }
}
