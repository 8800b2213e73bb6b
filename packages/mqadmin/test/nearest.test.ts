import { expect, it } from 'vitest';
import { nearestName } from '../src/nearest.ts';

it.each([
  ['fileReservedTim', 'fileReservedTime'],
  ['FILERESERVEDTIME', 'fileReservedTime'],
  ['flushDisktype', 'flushDiskType'],
  ['colour', undefined],
])('takes %s for %s', (name, meant) => {
  expect(nearestName(name, ['brokerName', 'fileReservedTime', 'flushDiskType'])).toBe(meant);
});
