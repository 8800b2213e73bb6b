import { type Handler, type InboxMessage } from './message.ts';

export interface Group<M extends InboxMessage> {
  readonly handler: Handler;
  readonly messages: M[];
}

/**
 * Groups messages by handler, so that a batch handler gets as many as possible at once, without changing the order
 * within a sharding key: a message goes into a later stage than its predecessor when their handlers differ.
 */
export function groupByHandler<M extends InboxMessage>(
  messages: readonly M[],
  handlerOf: (message: M) => Handler,
): Group<M>[] {
  const stages: Map<Handler, Group<M>>[] = [];
  const latest = new Map<string, { stage: number; handler: Handler }>();
  for (const message of messages) {
    const handler = handlerOf(message);
    const before = latest.get(message.shardingKey);
    const stage = before === undefined ? 0 : before.handler === handler ? before.stage : before.stage + 1;
    latest.set(message.shardingKey, { stage, handler });
    const groups = (stages[stage] ??= new Map<Handler, Group<M>>());
    const group = groups.get(handler);
    if (group === undefined) groups.set(handler, { handler, messages: [message] });
    else group.messages.push(message);
  }
  return stages.flatMap((groups) => [...groups.values()]);
}
