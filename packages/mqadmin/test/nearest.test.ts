import { nearestName } from '@dt/mqadmin';
import { expect, it } from 'vitest';

it.each([
  ['fileReservedTim', 'fileReservedTime'],
  ['FILERESERVEDTIME', 'fileReservedTime'],
  ['flushDisktype', 'flushDiskType'],
  ['lufshDiksTpye', 'flushDiskType'],
  ['colour', undefined],
])('takes %s for %s', (name, meant) => {
  expect(nearestName(name, ['brokerName', 'fileReservedTime', 'flushDiskType'])).toBe(meant);
});
