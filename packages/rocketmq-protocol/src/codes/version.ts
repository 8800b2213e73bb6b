/** Version numbers peers announce: the ordinal of the release in RocketMQ's list of versions. */
export const Version = {
  V3_4_9: 121,
  V4_0_0: 213,
  V4_5_2: 317,
  V4_9_3: 399,
  V4_9_4: 401,
  V5_0_0: 413,
  V5_1_4: 441,
  V5_2_0: 453,
  V5_3_0: 473,
  V5_3_1: 475,
  HIGHER_VERSION: 612,
} as const;

/** The version this implementation announces. */
export const CURRENT_VERSION: number = Version.V5_3_0;

const names = new Map<number, string>(Object.entries(Version).map(([name, value]) => [value, name]));

/** `V5_3_0` for 473; the number as text for a version that is not in the short list. */
export function versionName(version: number): string {
  return names.get(version) ?? String(version);
}
