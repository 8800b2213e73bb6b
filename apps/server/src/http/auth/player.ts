import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../../config/index.ts';
import type { PlayerRef } from '../../wallet/index.ts';
import { formValues, isJson, longerThan, MAX_ID_BYTES, rawBody } from '../fields.ts';
import { badRequest } from '../refusal.ts';

const maxNameLength = 50;

/** The player that a platform speaks for. */
export function signedPlayer(headers: IncomingHttpHeaders, platformId: number): PlayerRef {
  const platformUserId = headerOf(headers, 'x-platform-user-id');
  if (platformUserId === '') throw badRequest('X-Platform-User-Id is required');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(platformUserId)) throw badRequest('invalid platform_user_id format');
  return { platformId, platformUserId, userName: userName(headers) };
}

/** In demo mode everybody is whom they say they are: header, else `user_id`, else one player for all. */
export function demoPlayer(request: FastifyRequest, demo: Config['auth']['demo_platform']): PlayerRef {
  const { headers } = request;
  const platformUserId = headerOf(headers, 'x-platform-user-id') || formUserId(request) || 'demo_user_001';
  // Any form is taken, within what can be stored and logged.
  if (longerThan(platformUserId, MAX_ID_BYTES) || /\p{C}/u.test(platformUserId)) {
    throw badRequest('invalid platform_user_id format');
  }
  return { platformId: demo.platform_id, platformUserId, userName: userName(headers) || 'Demo User' };
}

function formUserId(request: FastifyRequest): string {
  const body = isJson(request) ? Buffer.alloc(0) : rawBody(request);
  return formValues(request, body)['user_id'] ?? '';
}

/** Stored undecoded, as it was sent; only for display, so a long one is cut, not refused. */
function userName(headers: IncomingHttpHeaders): string {
  return Array.from(headerOf(headers, 'x-platform-user-name').replace(/\p{C}/gu, ''))
    .slice(0, maxNameLength)
    .join('');
}

/** A header as UTF-8 text, trimmed; '' when it is absent. */
export function headerOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  if (typeof value !== 'string') return '';
  // Node reads header bytes as latin1.
  // eslint-disable-next-line no-control-regex -- anything past ASCII
  return (/[^\u0000-\u007f]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value).trim();
}
