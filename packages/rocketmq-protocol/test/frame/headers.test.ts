import { describe, expect, it } from 'vitest';
import {
  createRequest,
  createResponse,
  decodeFrame,
  encodeCommand,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';

function decodeJson(header: string): RemotingCommand {
  const bytes = Buffer.from(header);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(bytes.length);
  return decodeFrame(Buffer.concat([head, bytes]));
}

describe('JSON header', () => {
  it('turns numbers and booleans among the fields into texts and leaves nulls out', () => {
    const command = decodeJson('{"code":1,"opaque":2,"extFields":{"a":5,"b":true,"c":null,"d":"x"}}');
    expect({ ...command.extFields }).toEqual({ a: '5', b: 'true', d: 'x' });
  });

  it('takes a language it does not know for OTHER', () => {
    expect(decodeJson('{"code":1,"opaque":2,"language":"NODEJS"}').language).toBe('OTHER');
    expect(decodeJson('{"code":1,"opaque":2,"language":"GO"}').language).toBe('GO');
  });

  it('finds nothing under names every object has', () => {
    expect(decodeJson('{"code":1,"opaque":2}').extFields['constructor']).toBeUndefined();
  });

  it.each([
    '{"opaque":2}',
    '{"code":"1","opaque":2}',
    '{"code":1.5,"opaque":2}',
    '{"code":1,"opaque":4294967296}',
  ])('refuses %s', (header) => {
    expect(() => decodeJson(header)).toThrow(/is not an int32/);
  });

  it('refuses a field that is neither text nor scalar', () => {
    expect(() => decodeJson('{"code":1,"opaque":2,"extFields":{"a":{}}}')).toThrow(/extFields.a/);
    expect(() => decodeJson('{"code":1,"opaque":2,"extFields":[]}')).toThrow(/extFields/);
  });
});

describe('compact header', () => {
  it('refuses a code that needs more than 16 bits', () => {
    const pop = createRequest(200050, {}, { opaque: 1 });
    expect(() => encodeCommand(pop, { serializeType: 'compact' })).toThrow(/does not fit/);
    expect(decodeFrame(encodeCommand(pop).subarray(4)).code).toBe(200050);
  });
});

describe('createResponse', () => {
  it('keeps the opaque and sets the response flag', () => {
    const response = createResponse({ opaque: 42 }, 17, { remark: 'no' });
    expect(response).toMatchObject({ opaque: 42, flag: 1, code: 17, remark: 'no' });
    expect(createResponse({ opaque: 1 }, 0)).not.toHaveProperty('remark');
  });
});
