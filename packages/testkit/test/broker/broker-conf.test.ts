import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { brokerConfiguration, formatProperties, parseProperties } from '../../src/broker/broker-conf.ts';

test('the real Broker runs with the configuration of the containers, at another place', async () => {
  const ours = parseProperties(
    await readFile(new URL('../../../../docker/broker.conf', import.meta.url), 'utf8'),
  );
  const used = await brokerConfiguration(
    { listenPort: 20_911, nameServer: '127.0.0.1:20876', storeFolder: '/scratch/store' },
    { flushDiskType: 'SYNC_FLUSH' },
  );
  const changed = Object.keys(used).filter((key) => used[key] !== ours[key]);
  expect(changed.sort()).toEqual([
    'bindAddress',
    'brokerIP1',
    'brokerIP2',
    'flushDiskType',
    'listenPort',
    'mappedFileSizeCommitLog',
    'mappedFileSizeConsumeQueue',
    'maxHashSlotNum',
    'maxIndexNum',
    'namesrvAddr',
    'storePathCommitLog',
    'storePathRootDir',
  ]);
  expect(Object.keys(ours).filter((key) => !(key in used))).toEqual([]);
});

test('properties are read and written', () => {
  const text = '# a comment\n\n! another\nkey = value with = sign \nfolder=C:\\data\n';
  const entries = parseProperties(text);
  expect(entries).toEqual({ key: 'value with = sign', folder: 'C:\\data' });
  expect(formatProperties(entries)).toBe('key=value with = sign\nfolder=C:/data\n');
});
