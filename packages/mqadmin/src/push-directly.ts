import type { Admin, FoundMessage } from '@dt/rocketmq-client';
import { FaultError, WrongCallError } from './exit.ts';
import { text } from './flags.ts';
import type { Output } from './output/index.ts';

/** The flags that have a member of a group handle what was found, instead of showing it. */
export const pushFlags = {
  consumerGroup: text(
    '-g, --consumerGroup <group>',
    'with --clientId: have a member of this group handle it now',
  ),
  clientId: text('-d, --clientId <id>', 'with --consumerGroup: this member'),
};

export interface PushTarget {
  readonly group: string;
  readonly clientId: string;
}

/** Undefined when messages are only to be shown. */
export function pushTargetOf(flags: {
  readonly consumerGroup: string | undefined;
  readonly clientId: string | undefined;
}): PushTarget | undefined {
  const { consumerGroup: group, clientId } = flags;
  if (group === undefined && clientId === undefined) return undefined;
  if (group === undefined || clientId === undefined)
    throw new WrongCallError('--consumerGroup and --clientId are only allowed together');
  return { group, clientId };
}

/** Has a member handle messages that are stored, and shows how it took each; offsets stay where they are. */
export async function pushDirectly(
  admin: Admin,
  messages: readonly FoundMessage[],
  { group, clientId }: PushTarget,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const records: unknown[] = [];
  const refused: string[] = [];
  for (const { messageId, offsetMessageId, topic } of messages) {
    const result = await admin.consumeDirectly(group, clientId, topic, offsetMessageId, { signal });
    const { order, autoCommit, consumeResult, remark = null, spentTimeMs } = result;
    if (consumeResult !== 'CR_SUCCESS') refused.push(messageId);
    if (out.json)
      records.push({ messageId, clientId, consumeResult, order, autoCommit, remark, spentTimeMs });
    else
      out.line(
        `ConsumeMessageDirectlyResult [order=${order}, autoCommit=${autoCommit}, consumeResult=${consumeResult}, ` +
          `remark=${remark}, spentTimeMills=${spentTimeMs}]`,
      );
  }
  if (out.json) out.document(records);
  if (refused.length > 0) throw new FaultError(`${clientId} did not take ${refused.join(', ')}`);
}
