import { describe, expect, it } from 'vitest';
import {
  createUniqueKeyFactory,
  decodeIp,
  decodeOffsetMessageId,
  encodeIp,
  encodeOffsetMessageId,
} from '@dt/rocketmq-protocol';

describe('offset message id', () => {
  it.each([
    ['IPv4', { ip: '192.168.1.2', port: 10911 }, 'C0A8010200002A9F00000000000003E8'],
    ['IPv6', { ip: '::1', port: 10911 }, '0000000000000000000000000000000100002A9F00000000000003E8'],
  ])('has the form of Java for %s', (_, storeHost, text) => {
    expect(encodeOffsetMessageId({ storeHost, physicalOffset: 1000 })).toBe(text);
    expect(decodeOffsetMessageId(text)).toEqual({ storeHost, physicalOffset: 1000 });
  });

  it('is told apart by host, port and offset', () => {
    const ids = ['1.2.3.4', '1.2.3.5', '::1'].flatMap((ip) =>
      [1, 2].flatMap((port) =>
        [0, 2 ** 40].map((physicalOffset) => ({ storeHost: { ip, port }, physicalOffset })),
      ),
    );
    for (const id of ids) expect(decodeOffsetMessageId(encodeOffsetMessageId(id))).toEqual(id);
    expect(() => encodeOffsetMessageId({ storeHost: { ip: '::1', port: 1 }, physicalOffset: -1 })).toThrow(
      /physical offset/,
    );
  });

  it.each(['', 'C0A8', 'Z0A8010200002A9F00000000000003E8', 'C0A8010200002A9F00000000000003E8AB'])(
    'refuses %j',
    (text) => {
      expect(() => decodeOffsetMessageId(text)).toThrow(/is not an offset message id/);
    },
  );
});

describe('addresses', () => {
  it.each(['1.2.3.4', '::', '::1', '1::', '2001:db8::8:0:0:1', '1:2:3:4:5:6:7:8', 'fe80::1'])(
    'keeps %s',
    (ip) => {
      expect(decodeIp(encodeIp(ip))).toBe(ip);
    },
  );

  it('reads an IPv4 address within IPv6 and drops a zone', () => {
    expect(decodeIp(encodeIp('::ffff:127.0.0.1'))).toBe('::ffff:7f00:1');
    expect(decodeIp(encodeIp('fe80::1%eth0'))).toBe('fe80::1');
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.256', '1:2', '1::2::3', '12345::', '1:2:3:4:5:6:7:8:9'])(
    'refuses %j',
    (ip) => {
      expect(() => encodeIp(ip)).toThrow(/is not an IP address/);
    },
  );
});

describe('unique key', () => {
  const options = {
    ip: '10.0.0.1',
    pid: 0x12345,
    instance: -2,
    now: () => new Date(2026, 2, 1, 0, 0, 1).getTime(),
  };

  it('holds address, pid, instance, time within the month and a counter', () => {
    const next = createUniqueKeyFactory(options);
    expect(next()).toBe('0A0000012345FFFFFFFE000003E80001');
    expect(next()).toBe('0A0000012345FFFFFFFE000003E80002');
  });

  it('has 56 characters for IPv6', () => {
    expect(createUniqueKeyFactory({ ...options, ip: '::1' })()).toHaveLength(56);
  });

  it('starts the time anew with the month', () => {
    let now = new Date(2026, 2, 31, 23, 59, 59).getTime();
    const next = createUniqueKeyFactory({ ...options, now: () => now });
    next();
    now = new Date(2026, 3, 1, 0, 0, 2).getTime();
    expect(next()).toBe('0A0000012345FFFFFFFE000007D00002');
  });

  it('does not repeat within 65536 keys of one millisecond', () => {
    const next = createUniqueKeyFactory(options);
    const keys = new Set(Array.from({ length: 65536 }, next));
    expect(keys.size).toBe(65536);
  });
});
