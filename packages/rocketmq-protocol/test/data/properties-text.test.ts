import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  decodeConfiguration,
  decodeConfigurationChange,
  encodeConfiguration,
  encodeConfigurationChange,
} from '@dt/rocketmq-protocol';

describe('a configuration as text', () => {
  it('is handed out sorted and without escapes', () => {
    const text = 'a=1\nempty=\npath=C:\\store\nurl=http://x?y=z\n';
    const values = { path: 'C:\\store', url: 'http://x?y=z', a: '1', empty: '' };
    expect(encodeConfiguration(values).toString()).toBe(text);
    expect(decodeConfiguration(Buffer.from(text))).toEqual(values);
    expect(decodeConfiguration(Buffer.from('# comment\r\nno name\n=x\na=1\r\na=2\n'))).toEqual({ a: '2' });
  });

  it('is changed as Java reads properties', () => {
    const text = '# comment\n a = 1\nb:2\nc\\\n  d=x\ne=\\u00fc\\t\\q\n\n!no\n';
    expect(decodeConfigurationChange(Buffer.from(text))).toEqual({ a: '1', b: '2', cd: 'x', e: 'ü\tq' });
  });

  it('keeps blanks at the beginning of a value', () => {
    const values = { a: ' x', b: '\tx', c: '\\', d: ' ', e: '\u2028' };
    expect(decodeConfigurationChange(encodeConfigurationChange(values))).toEqual(values);
  });

  it('comes back from a change as it was', () => {
    const value = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z]\w{0,9}$/), value), (changes) => {
        expect(decodeConfigurationChange(encodeConfigurationChange(changes))).toEqual({ ...changes });
      }),
    );
  });
});
