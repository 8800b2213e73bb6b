import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config/index.ts';
import { unauthenticated } from '../refusal.ts';

/** Who moves rounds: the name that the audit gets. */
export type AdminGuard = (request: FastifyRequest) => string;

const actor = 'admin';

/**
 * Checks the bearer token of a dealer call. Without a configured token nobody passes; only
 * `auth.admin.enabled: false` opens the call.
 */
export function adminGuard({ enabled, token }: Config['auth']['admin']): AdminGuard {
  if (!enabled) return () => actor;
  // Hashes have one length, so comparing them tells nothing about the token's.
  const expected = token === '' ? undefined : sha256(token);
  return ({ headers: { authorization } }) => {
    if (authorization === undefined || authorization === '') throw unauthenticated('缺少管理员认证信息');
    const [scheme = '', given, ...more] = authorization.split(' ');
    if (scheme.toLowerCase() !== 'bearer' || given === undefined || given === '' || more.length > 0) {
      throw unauthenticated('无效的认证格式');
    }
    if (expected === undefined || !timingSafeEqual(sha256(given), expected)) {
      throw unauthenticated('无效的管理员Token');
    }
    return actor;
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
