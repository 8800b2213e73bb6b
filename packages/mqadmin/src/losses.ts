import { type Admin, RocketMQError } from '@dt/rocketmq-client';
import { FaultError, WrongCallError } from './exit.ts';
import { toggle } from './flags.ts';
import type { Output } from './output/index.ts';

export const yesFlag = toggle('--yes', 'do not ask, whatever would be lost');

/** Asks before something is lost; where nobody can be asked, nothing is deleted without `--yes`. */
export async function confirmLosses(
  what: string,
  losses: readonly string[],
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  if (losses.length === 0) return;
  const sentence = `${what} has ${losses.join(' and ')}`;
  if (!out.canAsk)
    throw new WrongCallError(`${sentence}: nothing was deleted. Give --yes to delete it with them.`);
  if (!(await out.confirm(`${sentence}. Delete it?`, signal))) throw new FaultError('nothing was deleted');
}

/** As `3 messages`; empty for none. */
export function messagesIn(
  queues: readonly { readonly minOffset: number; readonly maxOffset: number }[],
  kind = '',
): string[] {
  const count = queues.reduce((sum, { minOffset, maxOffset }) => sum + maxOffset - minOffset, 0);
  return count === 0 ? [] : [`${count} ${kind}${count === 1 ? 'message' : 'messages'}`];
}

/** The topics that the members of a group have subscribed to; undefined when nobody is online. */
export async function onlineTopics(
  admin: Admin,
  group: string,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  try {
    const online = await admin.consumerConnections(group, { signal });
    return online?.subscriptions.map(({ topic }) => topic);
  } catch (error) {
    // A group without a topic for its retries never had a member, or only its offsets are left.
    if (error instanceof RocketMQError && error.code === 'topic-not-found') return undefined;
    throw error;
  }
}
