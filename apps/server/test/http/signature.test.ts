import { describe, expect, it } from 'vitest';
import { sameText, sign } from '../../src/http/index.ts';

const request = {
  appKey: 'acme_dev_01',
  timestamp: '1767225600',
  nonce: 'n-000042',
  method: 'POST',
  path: '/api/bet',
  body: Buffer.from(
    '{"game_id":"dt_game","room_id":"room_007","game_round_id":"round_1767225590123","bet_amount":"25.50",' +
      '"play_type":3,"idempotency_key":"bet_1767225598001"}',
  ),
};
const secret = 'not-a-real-secret-7';

describe('a signature', () => {
  it('of version 1 is the one that existing platforms make', () => {
    expect(request.body).toHaveLength(153);
    expect(sign(1, request, secret)).toBe('4c9f03874fa31c7a06b445a89cd3d3c5e5e6d223774c46ee10681f28581a88d6');
    const get = { ...request, nonce: 'n-000043', method: 'GET', body: Buffer.alloc(0) };
    expect(sign(1, get, secret)).toBe('f9f4c144ef3157c0fba390e9340b33be2b35a0dcedbed451132b2cc5aa67b9c5');
  });

  it('of version 1 covers neither method nor path, of version 2 both', () => {
    const elsewhere = { ...request, path: '/api/wallet/withdraw' };
    const otherwise = { ...request, method: 'PUT' };
    expect(sign(1, elsewhere, secret)).toBe(sign(1, request, secret));
    expect(sign(1, otherwise, secret)).toBe(sign(1, request, secret));
    expect(new Set([request, elsewhere, otherwise].map((one) => sign(2, one, secret))).size).toBe(3);
  });

  it('of version 2 is stable', () => {
    // printf 'acme_dev_01\n1767225600\nn-000042\nPOST\n/api/bet\n<sha256 of the body>' | openssl dgst -sha256 -hmac …
    expect(sign(2, request, secret)).toBe('361c0e107f8325c92c114709affefc479709ba703640b23b77bd597717f14cdc');
  });

  it('compares texts of any length', () => {
    expect(sameText('a', 'a')).toBe(true);
    expect(sameText('a', 'b')).toBe(false);
    expect(sameText('a', 'aa')).toBe(false);
    expect(sameText('', 'a')).toBe(false);
  });
});
