import { describe, expect, it } from 'vitest';
import {
  languageFromNumber,
  languageToNumber,
  RequestCode,
  requestCodeName,
  ResponseCode,
  responseCodeName,
  versionName,
} from '@dt/rocketmq-protocol';

describe('codes', () => {
  it('have names', () => {
    expect(requestCodeName(RequestCode.SEND_BATCH_MESSAGE)).toBe('SEND_BATCH_MESSAGE');
    expect(requestCodeName(200050)).toBe('POP_MESSAGE');
    expect(responseCodeName(ResponseCode.SUBSCRIPTION_NOT_LATEST)).toBe('SUBSCRIPTION_NOT_LATEST');
    expect(versionName(473)).toBe('V5_3_0');
  });

  it('keep the number where there is no name', () => {
    expect([requestCodeName(9999), responseCodeName(9999), versionName(1)]).toEqual(['9999', '9999', '1']);
  });
});

describe('languages', () => {
  it('are numbered as on the wire', () => {
    expect([languageToNumber('JAVA'), languageToNumber('OTHER'), languageToNumber('GO')]).toEqual([0, 7, 9]);
    expect([languageFromNumber(12), languageFromNumber(99), languageFromNumber(-1)]).toEqual([
      'RUST',
      'OTHER',
      'OTHER',
    ]);
  });
});
