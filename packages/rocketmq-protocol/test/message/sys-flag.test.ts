import { describe, expect, it } from 'vitest';
import { bodyCompression, isReadable, isValidName, isWritable } from '@dt/rocketmq-protocol';

describe('sysFlag', () => {
  it.each([
    [0, 'none'],
    [0x300, 'none'],
    [0x001, 'zlib'],
    [0x301, 'zlib'],
    [0x101, 'lz4'],
    [0x201, 'zstd'],
    [0x701, undefined],
  ])('%i means a body with compression %s', (sysFlag, compression) => {
    expect(bodyCompression(sysFlag)).toBe(compression);
  });
});

describe('permissions', () => {
  it('are bits', () => {
    expect([isReadable(6), isWritable(6), isReadable(2), isWritable(4)]).toEqual([true, true, false, false]);
  });
});

describe('names', () => {
  it('take letters, digits and a few signs up to a length', () => {
    expect(isValidName('%RETRY%g-1_a|b', 127)).toBe(true);
    expect(isValidName('', 127)).toBe(false);
    expect(isValidName('a b', 127)).toBe(false);
    expect(isValidName('a'.repeat(128), 127)).toBe(false);
  });
});
