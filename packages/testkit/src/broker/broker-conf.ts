import { readFile } from 'node:fs/promises';
import type { StartBrokerOptions } from './target.ts';

/** A Java properties file as far as RocketMQ's need it: `key=value` lines and comments. */
export function parseProperties(text: string): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*([^#!=\s][^=]*?)\s*=\s*(.*?)\s*$/.exec(line);
    if (match) entries[match[1] as string] = match[2] as string;
  }
  return entries;
}

export function formatProperties(entries: Readonly<Record<string, string>>): string {
  // A backslash of a Windows path would start an escape.
  return Object.entries(entries)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '/')}\n`)
    .join('');
}

/** Ports, addresses and folders of one Broker on this machine. */
export interface BrokerPlace {
  listenPort: number;
  nameServer: string;
  storeFolder: string;
}

/**
 * The project's own docker/broker.conf with another place and nothing else changed but file sizes: the
 * defaults map 1 GiB commit log files, a 420 MB index and 6 MB per queue, which many small topics on a
 * small machine (or a tmpfs) do not bear.
 */
export async function brokerConfiguration(
  place: BrokerPlace,
  overrides: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const ours = parseProperties(
    await readFile(new URL('../../../../docker/broker.conf', import.meta.url), 'utf8'),
  );
  return {
    ...ours,
    listenPort: String(place.listenPort),
    brokerIP1: '127.0.0.1',
    brokerIP2: '127.0.0.1',
    bindAddress: '127.0.0.1',
    namesrvAddr: place.nameServer,
    storePathRootDir: place.storeFolder,
    storePathCommitLog: `${place.storeFolder}/commitlog`,
    // 64 MiB holds the largest message many times over and lets a long test roll over to a next file.
    mappedFileSizeCommitLog: String(64 * 1024 * 1024),
    // 50,000 entries of 20 bytes a file.
    mappedFileSizeConsumeQueue: '1000000',
    maxHashSlotNum: '100000',
    maxIndexNum: '400000',
    ...overrides,
  };
}

/**
 * Keys of broker.conf for half messages. A real Broker collects its notes of ended ones for `transactionOpBatchInterval`
 * and asks about them again when they are older than the time-out by then: 3 s is only good for time-outs above.
 */
export function transactionConfiguration({
  timeOutMs,
  checkIntervalMs,
  checkMax,
}: StartBrokerOptions['transactions'] = {}): Record<string, string> {
  return {
    ...(timeOutMs !== undefined && {
      transactionTimeOut: String(timeOutMs),
      transactionOpBatchInterval: String(Math.min(3000, Math.ceil(timeOutMs / 4))),
    }),
    ...(checkIntervalMs !== undefined && { transactionCheckInterval: String(checkIntervalMs) }),
    ...(checkMax !== undefined && { transactionCheckMax: String(checkMax) }),
  };
}
