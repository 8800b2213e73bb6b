import type { DataVersion } from '@dt/rocketmq-protocol';

export type { DataVersion } from '@dt/rocketmq-protocol';

export function firstVersion(): DataVersion {
  return { counter: 0, stateVersion: 0, timestamp: Date.now() };
}

export function nextVersion(version: DataVersion): DataVersion {
  return { ...version, counter: version.counter + 1, timestamp: Date.now() };
}

export function versionFrom(value: unknown): DataVersion {
  const version = (typeof value === 'object' && value !== null ? value : {}) as Partial<DataVersion>;
  return {
    counter: Number(version.counter ?? 0),
    stateVersion: Number(version.stateVersion ?? 0),
    timestamp: Number(version.timestamp ?? Date.now()),
  };
}
