/** Results in the order of the items, while up to `limit` of them are worked on. */
export async function* inOrder<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R, void> {
  const underWay: Promise<R>[] = [];
  const begin = (item: T): void => {
    const result = work(item);
    // It is heard when its turn comes, which is too late for Node to see that somebody listens.
    result.catch(() => undefined);
    underWay.push(result);
  };
  let next = 0;
  for (; next < Math.min(limit, items.length); next += 1) begin(items[next] as T);
  for (let first = underWay.shift(); first !== undefined; first = underWay.shift()) {
    yield await first;
    if (next < items.length) begin(items[next++] as T);
  }
}
