import { expect, it } from 'vitest';
import { platformSignature, signedHeaders } from '../../src/play/signature.ts';

const credentials = { key: 'acme_dev_01', secret: 'not-a-real-secret-7' };

it('signs key, timestamp, nonce and body as the contract’s worked example', () => {
  const body =
    '{"game_id":"dt_game","room_id":"room_007","game_round_id":"round_1767225590123","bet_amount":"25.50","play_type":3,"idempotency_key":"bet_1767225598001"}';
  expect(platformSignature(credentials, '1767225600', 'n-000042', body)).toBe(
    '4c9f03874fa31c7a06b445a89cd3d3c5e5e6d223774c46ee10681f28581a88d6',
  );
  expect(platformSignature(credentials, '1767225600', 'n-000043', '')).toBe(
    'f9f4c144ef3157c0fba390e9340b33be2b35a0dcedbed451132b2cc5aa67b9c5',
  );
});

it('takes a new nonce for every call', () => {
  expect(signedHeaders(credentials, '')['x-nonce']).not.toBe(signedHeaders(credentials, '')['x-nonce']);
});
