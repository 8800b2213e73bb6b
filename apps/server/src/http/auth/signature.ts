import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** What a platform signs. */
export interface SignedRequest {
  readonly appKey: string;
  /** As sent: Unix seconds in decimal. */
  readonly timestamp: string;
  readonly nonce: string;
  /** Upper case. */
  readonly method: string;
  /** As in the request line, query included. */
  readonly path: string;
  /** The bytes as they came; empty for GET and DELETE. */
  readonly body: Buffer;
}

export type SignatureVersion = 1 | 2;

/**
 * HMAC-SHA256 in lower-case hex. Version 1 signs key, timestamp, nonce and body, one right after the other;
 * version 2 signs key, timestamp, nonce, method, path and the SHA-256 of the body in hex, joined by line feeds.
 */
export function sign(version: SignatureVersion, request: SignedRequest, secret: string): string {
  const { appKey, timestamp, nonce, method, path, body } = request;
  const hmac = createHmac('sha256', secret);
  // Header text holds one byte a character.
  if (version === 1) return hmac.update(`${appKey}${timestamp}${nonce}`, 'latin1').update(body).digest('hex');
  const bodyHash = createHash('sha256').update(body).digest('hex');
  return hmac.update([appKey, timestamp, nonce, method, path, bodyHash].join('\n'), 'latin1').digest('hex');
}

/** Compares in a time that says nothing about where two texts differ. */
export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
