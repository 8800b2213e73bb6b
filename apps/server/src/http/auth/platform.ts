import type { FastifyRequest } from 'fastify';
import type { Config, PlatformConfig } from '../../config/index.ts';
import type { PlayerRef } from '../../wallet/index.ts';
import { AddressList } from '../client-address.ts';
import { rawBody } from '../fields.ts';
import {
  addressNotAllowed,
  badSignature,
  disabledPlatform,
  staleTimestamp,
  unauthenticated,
  unknownPlatform,
  usedNonce,
  type DoorError,
} from '../refusal.ts';
import type { Nonces } from './nonces.ts';
import { demoPlayer, signedPlayer } from './player.ts';
import { sameText, sign, type SignatureVersion } from './signature.ts';

/** Who may speak for players. */
export interface PlatformGuard {
  /** What needs no body: turns strangers away before anything is read. @throws DoorError 3000, 3005 */
  begin(request: FastifyRequest): void;
  /** The rest, in the order of the contract. @throws DoorError 3004, 3006 to 3010, 1000 */
  player(request: FastifyRequest): Promise<PlayerRef>;
}

export interface PlatformGuardOptions {
  readonly auth: Config['auth'];
  readonly nonces: Nonces;
  readonly clientAddress: (request: FastifyRequest) => string;
}

const maxClockSkewSeconds = 300;

interface KnownPlatform extends PlatformConfig {
  /** Absent: every address may call. */
  readonly addresses?: AddressList;
}

/** In demo mode nobody signs, and every player is of the demo platform. */
export function platformGuard(options: PlatformGuardOptions): PlatformGuard {
  const { auth } = options;
  if (auth.demo_mode) {
    return { begin: () => undefined, player: async (request) => demoPlayer(request, auth.demo_platform) };
  }
  return signatureGuard(options);
}

function signatureGuard({ auth, nonces, clientAddress }: PlatformGuardOptions): PlatformGuard {
  const platforms = new Map<string, KnownPlatform>(
    auth.platforms.map((platform) => [
      platform.app_key,
      platform.allowed_ips.length === 0
        ? platform
        : { ...platform, addresses: new AddressList(platform.allowed_ips) },
    ]),
  );

  const judge = (
    request: FastifyRequest,
    proof: Proof,
    platform: KnownPlatform | undefined,
  ): DoorError | undefined => {
    if (platform === undefined) return unknownPlatform();
    if (platform.status !== 1) return disabledPlatform();
    if (platform.addresses?.has(clientAddress(request)) === false) return addressNotAllowed();
    return isSigned(request, proof, platform.app_secret) ? undefined : badSignature();
  };

  return {
    begin: (request) => {
      const seconds = Number(/^[0-9]{1,12}$/.exec(readProof(request).timestamp)?.[0] ?? NaN);
      if (!(Math.abs(Date.now() / 1000 - seconds) <= maxClockSkewSeconds)) throw staleTimestamp();
    },
    player: async (request) => {
      const proof = readProof(request);
      const { appKey, nonce } = proof;
      const platform = platforms.get(appKey);
      // A used nonce is told before anything else, but is stored only for those who prove who they are.
      const refusal = judge(request, proof, platform);
      const isNew =
        refusal === undefined
          ? await nonces.spend(appKey, nonce)
          : await nonces.spendRefused(appKey, nonce, platform !== undefined);
      if (!isNew) throw usedNonce();
      if (refusal !== undefined || platform === undefined) throw refusal ?? unknownPlatform();
      return signedPlayer(request.headers, platform.platform_id);
    },
  };
}

interface Proof {
  readonly appKey: string;
  readonly timestamp: string;
  readonly nonce: string;
  readonly signature: string;
}

function readProof({ headers }: FastifyRequest): Proof {
  const read = (name: string): string => {
    const value = headers[name];
    const text = typeof value === 'string' ? value.trim() : '';
    if (text === '') throw unauthenticated('缺少认证信息');
    return text;
  };
  return {
    appKey: read('x-platform-key'),
    timestamp: read('x-timestamp'),
    nonce: read('x-nonce'),
    signature: read('x-signature'),
  };
}

function isSigned(request: FastifyRequest, proof: Proof, secret: string): boolean {
  const version = versionOf(request.headers['x-signature-version']);
  if (version === undefined) return false;
  const { method } = request;
  const hasBody = method !== 'GET' && method !== 'DELETE' && method !== 'HEAD';
  const path = request.raw.url ?? '';
  const expected = sign(
    version,
    { ...proof, method, path, body: hasBody ? rawBody(request) : Buffer.alloc(0) },
    secret,
  );
  return sameText(proof.signature, expected);
}

function versionOf(header: string | string[] | undefined): SignatureVersion | undefined {
  if (header === undefined || header === '1') return 1;
  return header === '2' ? 2 : undefined;
}
