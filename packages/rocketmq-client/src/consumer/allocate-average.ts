/**
 * The part of `queues` that belongs to `clientId`: RocketMQ's AVG strategy. Every member computes it for itself, so
 * all must sort both lists the same way and get the same answer. A client that is not in the list gets nothing.
 */
export function allocateAverage<Q>(
  queues: readonly Q[],
  clientIds: readonly string[],
  clientId: string,
): Q[] {
  const index = clientIds.indexOf(clientId);
  if (index < 0) return [];
  const rest = queues.length % clientIds.length;
  const average =
    queues.length <= clientIds.length
      ? 1
      : Math.floor(queues.length / clientIds.length) + (index < rest ? 1 : 0);
  const start = index < rest ? index * average : index * average + rest;
  return queues.slice(start, Math.max(start, Math.min(start + average, queues.length)));
}
