import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { DOCTOR_CASES } from '../../src/operations/doctor/index.ts';
import { brokerClockMs } from '../../src/operations/doctor/production.ts';
import { refusalByText } from '../../src/operations/doctor/probe.ts';
import { diskFaults } from '../../src/operations/doctor/rocketmq.ts';

it('has every case in the guide, and no other', async () => {
  const guide = await readFile(new URL('../../../../docs/guide/troubleshooting.md', import.meta.url), 'utf8');
  const documented = [...guide.matchAll(/^\| `([a-z-]+)`/gm)].map(([, name]) => name);
  expect(documented.toSorted()).toEqual([...DOCTOR_CASES].sort());
});

describe('the disk of a broker', () => {
  it.each([
    ['0.74', '75', []],
    ['0.75', '75', ['warning disk-filling']],
    ['0.89', '88', ['warning disk-filling']],
    ['0.90', '95', ['fault disk-full']],
    ['-1', '75', []],
    [undefined, '75', []],
  ])('used %s with diskMaxUsedSpaceRatio=%s', (used, limit, cases) => {
    const info = used === undefined ? {} : { commitLogDiskRatio: used };
    const faults = diskFaults('broker-a', info, { diskMaxUsedSpaceRatio: limit });
    expect(faults.map(({ severity, case: name }) => `${severity} ${name}`)).toEqual(cases);
  });
});

it('reads the clock of a broker from its start and its run time', () => {
  const info = { bootTimestamp: '1000', runtime: '[ 1 days, 2 hours, 3 minutes, 4 seconds ]' };
  expect(brokerClockMs(info)).toBe(1000 + (((24 + 2) * 60 + 3) * 60 + 4) * 1000);
  expect(brokerClockMs({ bootTimestamp: '1000' })).toBeUndefined();
});

it('tells refusals by the words of the broker, and nothing else for one', () => {
  const acl = 'org.apache.rocketmq.acl.common.AclException: ';
  const caseOf = (text: string) => refusalByText(text)?.case;
  expect(caseOf(`${acl}No acl config for x`)).toBe('wrong-key');
  expect(
    caseOf(
      `${acl}No PlainAccessResource for accessKey=x, org.apache.rocketmq.acl.plain.PlainPermissionManager`,
    ),
  ).toBe('wrong-key');
  expect(caseOf(`${acl}Check signature failed for accessKey=x`)).toBe('wrong-secret');
  expect(caseOf(`${acl}No default permission for topic:x`)).toBe('topic-permission');
  expect(caseOf(`${acl}something new`)).toBe('access-denied');
  expect(caseOf('the disk may be full')).toBeUndefined();
});
