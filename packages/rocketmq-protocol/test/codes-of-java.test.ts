import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { RequestCode, ResponseCode } from '@dt/rocketmq-protocol';

/**
 * The constants of RequestCode, ResponseCode and its parent RemotingSysResponseCode (org.apache.rocketmq.remoting.protocol,
 * artifact rocketmq-remoting 5.3.0), read by reflection.
 */
const java = JSON.parse(readFileSync(new URL('./java-codes.json', import.meta.url), 'utf8')) as {
  request: Record<string, number>;
  response: Record<string, number>;
};

it('request codes are those of RocketMQ 5.3.0', () => {
  expect({ ...RequestCode }).toEqual(java.request);
});

it('response codes are those of RocketMQ 5.3.0', () => {
  expect({ ...ResponseCode }).toEqual(java.response);
});
