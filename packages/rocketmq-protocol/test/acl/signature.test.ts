import { describe, expect, it } from 'vitest';
import { signRequest, verifyRequest } from '@dt/rocketmq-protocol';

const credentials = { accessKey: 'rocketmq2', secretKey: '12345678' };

describe('signature', () => {
  it.each([
    [
      'fields and body',
      { b: 'TopicTest', a: 'PG', e: '0' },
      'hello',
      credentials,
      '6+wOR23boFnBCMxTiFYndx/kULU=',
    ],
    [
      'a security token',
      { topic: 'TopicTest' },
      '',
      { ...credentials, securityToken: 'tok' },
      'srLC0a0pn58kwQ14kgLHSOPpVSo=',
    ],
  ])('is that of RocketMQ 5.3.0 for %s', (_, extFields, body, keys, signature) => {
    const signed = signRequest(extFields, Buffer.from(body), keys);
    expect(signed).toMatchObject({ ...extFields, AccessKey: 'rocketmq2', Signature: signature });
    expect(verifyRequest(signed, Buffer.from(body), '12345678')).toBe(true);
  });

  it('does not fit other fields, another body or another secret', () => {
    const body = Buffer.from('hello');
    const signed = signRequest({ a: '1' }, body, credentials);
    expect(verifyRequest({ ...signed, a: '2' }, body, '12345678')).toBe(false);
    expect(verifyRequest(signed, Buffer.from('hellO'), '12345678')).toBe(false);
    expect(verifyRequest(signed, body, '12345679')).toBe(false);
    expect(verifyRequest({ ...signed, Signature: 'x' }, body, '12345678')).toBe(false);
    expect(verifyRequest({ a: '1' }, body, '12345678')).toBe(false);
  });
});
