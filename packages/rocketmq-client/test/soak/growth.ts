/** By how much a straight line through the points (least squares) rises from the first to the last. */
export function growthOf(points: readonly (readonly [at: number, value: number])[]): number {
  const first = points[0]?.[0] ?? 0;
  const last = points.at(-1)?.[0] ?? 0;
  const meanAt = points.reduce((sum, [at]) => sum + at, 0) / points.length;
  const meanValue = points.reduce((sum, [, value]) => sum + value, 0) / points.length;
  const spread = points.reduce((sum, [at]) => sum + (at - meanAt) ** 2, 0);
  if (spread === 0) return 0;
  const slope = points.reduce((sum, [at, value]) => sum + (at - meanAt) * (value - meanValue), 0) / spread;
  return slope * (last - first);
}
