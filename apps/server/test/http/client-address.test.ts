import { fastify } from 'fastify';
import { describe, expect, it } from 'vitest';
import { AddressList, clientAddressReader, plainAddress } from '../../src/http/client-address.ts';

async function addressOf(
  trust: boolean | readonly string[],
  peer: string,
  headers: Record<string, string>,
): Promise<string> {
  const app = fastify();
  const read = clientAddressReader(trust);
  app.get('/', (request) => read(request));
  const { body } = await app.inject({ url: '/', remoteAddress: peer, headers });
  await app.close();
  return body;
}

const real = { 'x-real-ip': '1.1.1.1' };
const forwarded = { 'x-forwarded-for': '2.2.2.2, 3.3.3.3, 10.0.0.2' };

describe('the address of a caller', () => {
  it.each<[string, boolean | string[], string, Record<string, string>, string]>([
    ['is the peer when nobody is trusted', false, '9.9.9.9', { ...real, ...forwarded }, '9.9.9.9'],
    ['is plain on a socket of both families', false, '::ffff:9.9.9.9', {}, '9.9.9.9'],
    ['is X-Real-IP first', true, '9.9.9.9', { ...real, ...forwarded }, '1.1.1.1'],
    ['is the first of X-Forwarded-For then', true, '9.9.9.9', forwarded, '2.2.2.2'],
    ['is the peer without either', true, '9.9.9.9', {}, '9.9.9.9'],
    ['is the peer when the header is no address', true, '9.9.9.9', { 'x-real-ip': 'me' }, '9.9.9.9'],
    ['is the peer when it is no proxy', ['10.0.0.0/8'], '9.9.9.9', { ...real, ...forwarded }, '9.9.9.9'],
    ['is X-Real-IP of a proxy', ['10.0.0.0/8'], '10.0.0.1', real, '1.1.1.1'],
    ['is the last one before the proxies', ['10.0.0.0/8'], '10.0.0.1', forwarded, '3.3.3.3'],
    ['is found behind a proxy on both families', ['10.0.0.0/8'], '::ffff:10.0.0.1', forwarded, '3.3.3.3'],
    [
      'is the peer when all were proxies',
      ['10.0.0.0/8'],
      '10.0.0.1',
      { 'x-forwarded-for': '10.0.0.3' },
      '10.0.0.1',
    ],
    ['may be IPv6', ['::1'], '::1', { 'x-forwarded-for': '2001:db8::7' }, '2001:db8::7'],
  ])('%s', async (_, trust, peer, headers, expected) => {
    expect(await addressOf(trust, peer, headers)).toBe(expected);
  });
});

describe('AddressList', () => {
  it('knows addresses and ranges of both families', () => {
    const list = new AddressList(['10.1.2.3', '192.168.0.0/16', '2001:db8::/32', '::ffff:7.7.7.7']);
    for (const one of ['10.1.2.3', '192.168.255.1', '2001:db8::1', '7.7.7.7'])
      expect(list.has(one)).toBe(true);
    for (const one of ['10.1.2.4', '192.169.0.1', '2001:db9::1', '', 'text'])
      expect(list.has(one)).toBe(false);
  });

  it('refuses what is neither', () => {
    expect(() => new AddressList(['10.0.0.0/33'])).toThrow('not an address or range');
  });
});

it('plainAddress unwraps IPv4 only', () => {
  expect(plainAddress('::ffff:1.2.3.4')).toBe('1.2.3.4');
  expect(plainAddress('::ffff:zz')).toBe('::ffff:zz');
  expect(plainAddress('::1')).toBe('::1');
});
