import { describe, expect, it } from 'vitest';
import {
  createRequest,
  decodeFrame,
  encodeCommand,
  isOneway,
  isResponse,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

// Bytes computed by RocketMQ 5.3.0's own codec.
const JSON_105 = hex(`00000088 00000084
  7b22636f6465223a3130352c226578744669656c6473223a7b22746f706963223a22546f70696354657374227d2c22666c6167223a302c226c616e6775616765223a224f54484552222c226f7061717565223a372c2273657269616c697a655479706543757272656e74525043223a224a534f4e222c2276657273696f6e223a3437337d`);
const COMPACT_105 = hex(
  '0000002d 01000029 0069 07 01d9 00000007 00000000 00000000 00000014 0005 746f706963 00000009 546f70696354657374',
);
const COMPACT_RESPONSE_17 = hex(
  '00000022 01000019 0011 00 01d9 00000007 00000001 00000004 6e6f7065 00000000 68656c6c6f',
);
const COMPACT_ONEWAY_15 = hex('00000019 01000015 000f 00 01d9 00000008 00000002 00000000 00000000');

const request105 = createRequest(105, { extFields: { topic: 'TopicTest' } }, { opaque: 7 });
const response17: RemotingCommand = {
  code: 17,
  language: 'JAVA',
  version: 473,
  opaque: 7,
  flag: 1,
  remark: 'nope',
  extFields: {},
  body: Buffer.from('hello'),
};
const oneway15 = createRequest(15, {}, { opaque: 8, oneway: true, language: 'JAVA' });

describe('frames of RocketMQ 5.3.0', () => {
  it('writes the JSON form byte by byte', () => {
    expect(encodeCommand(request105)).toEqual(JSON_105);
  });

  it.each([
    ['request', request105, COMPACT_105],
    ['response with remark and body', response17, COMPACT_RESPONSE_17],
    ['one-way request without anything', oneway15, COMPACT_ONEWAY_15],
  ])('writes the compact form of a %s byte by byte', (_, command, bytes) => {
    expect(encodeCommand(command, { serializeType: 'compact' })).toEqual(bytes);
  });

  it.each([
    ['JSON request', JSON_105, request105],
    ['compact request', COMPACT_105, request105],
    ['compact response', COMPACT_RESPONSE_17, response17],
    ['compact one-way request', COMPACT_ONEWAY_15, oneway15],
  ])('reads a %s', (_, bytes, command) => {
    expect(decodeFrame(bytes.subarray(4))).toEqual(command);
  });

  it('tells responses and one-way requests by their flag', () => {
    expect([isResponse(request105), isOneway(request105)]).toEqual([false, false]);
    expect([isResponse(response17), isOneway(response17)]).toEqual([true, false]);
    expect([isResponse(oneway15), isOneway(oneway15)]).toEqual([false, true]);
  });
});
