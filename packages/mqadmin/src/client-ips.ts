import type { Admin, MessageQueue } from '@dt/rocketmq-client';
import type { Output } from './output/index.ts';

/** Tells which member of a group has a queue: the part of its client id that is its address. */
export async function clientIps(
  admin: Admin,
  group: string,
  out: Output,
  signal: AbortSignal,
): Promise<(queue: MessageQueue) => string | undefined> {
  const online = await admin.consumerConnections(group, { signal });
  const owners = new Map<string, string>();
  await Promise.all(
    (online?.connections ?? []).map(async ({ clientId }) => {
      try {
        const { queues } = await admin.consumerRunningInfo(group, clientId, { signal });
        for (const { queue } of queues) owners.set(nameOf(queue), clientId.split('@')[0] ?? clientId);
      } catch (error) {
        if (signal.aborted) throw error;
        out.note(`${clientId}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  );
  return (queue) => owners.get(nameOf(queue));
}

function nameOf({ topic, brokerName, queueId }: MessageQueue): string {
  return `${topic} ${brokerName} ${queueId}`;
}
