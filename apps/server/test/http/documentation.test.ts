import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as gameErrors from '../../src/game/errors.ts';
import { listenErrorCodes } from '../../src/http/index.ts';
import * as refusals from '../../src/http/refusal.ts';
import * as walletErrors from '../../src/wallet/errors.ts';
import { openDoor, type Door } from './door.ts';

const page = (name: string): string => readFileSync(`docs/reference/${name}.md`, 'utf8');

/** Every refusal there is, made by the functions that make them: code, status, text. */
function refusalsInCode(): string[] {
  const made = new Set<string>();
  const add = ({
    code,
    httpStatus,
    message,
  }: {
    code: number;
    httpStatus: number;
    message: string;
  }): void => {
    made.add(`${code} ${httpStatus} ${message}`);
  };
  const ownText = '…';
  for (const make of [refusals.badRequest, walletErrors.badParameter]) add(make(ownText));
  for (const text of ['缺少认证信息', '缺少管理员认证信息', '无效的认证格式', '无效的管理员Token']) {
    add(refusals.unauthenticated(text));
  }
  const { notFound, badSignature, staleTimestamp, usedNonce, unknownPlatform, disabledPlatform } = refusals;
  const { addressNotAllowed, systemBusy, tooManyRequests } = refusals;
  for (const make of [notFound, badSignature, staleTimestamp, usedNonce, unknownPlatform, disabledPlatform])
    add(make());
  for (const make of [addressNotAllowed, systemBusy]) add(make());
  add(tooManyRequests(1));
  for (const [name, make] of Object.entries({ ...walletErrors, ...gameErrors })) {
    if (name !== 'BusinessError' && name !== 'badParameter')
      add((make as () => walletErrors.BusinessError)());
  }
  return [...made].sort();
}

describe('the reference of errors', () => {
  it('has every refusal with its status and text, and no other', () => {
    const rows = [...page('errors').matchAll(/^\| (?<code>\d+) \| (?<status>\d+) \| (?<text>[^|]+) \|/gm)];
    const documented = rows
      .map(({ groups }) => `${groups?.['code']} ${groups?.['status']} ${groups?.['text']}`)
      .filter((row) => row !== '0 200 success');
    expect(documented.sort()).toEqual(refusalsInCode());
  });

  it('has every code of a failure to listen, and no other', () => {
    const section =
      /^## Listening$(?<text>.*?)(?:^## |(?![^]))/ms.exec(page('errors'))?.groups?.['text'] ?? '';
    const documented = [...section.matchAll(/^\| `(?<code>[a-z-]+)` \|/gm)].map(
      ({ groups }) => groups?.['code'],
    );
    expect(documented.sort()).toEqual([...listenErrorCodes].sort());
  });
});

describe('the reference of HTTP', () => {
  let door: Door;
  beforeAll(async () => {
    door = await openDoor();
  });
  afterAll(() => door.close());

  it('lists calls that exist', () => {
    const rows = [...page('http').matchAll(/^\| (?<method>GET|POST) `(?<path>[^`]+)` \|/gm)];
    expect(rows.length).toBeGreaterThan(10);
    for (const { groups } of rows) {
      const url = groups?.['path']?.replace('/api/round/:id', '/api/round/:roundId') ?? '';
      expect([url, door.app.hasRoute({ method: groups?.['method'] as 'GET', url })]).toEqual([url, true]);
    }
  });
});
