import { createHmac, randomUUID } from 'node:crypto';

/** A platform's key and secret, as the server's configuration has them. */
export interface PlatformCredentials {
  readonly key: string;
  readonly secret: string;
}

/** HMAC-SHA256 over key, timestamp, nonce and body without separators, in lower-case hex. */
export function platformSignature(
  credentials: PlatformCredentials,
  timestamp: string,
  nonce: string,
  body: string,
): string {
  return createHmac('sha256', credentials.secret)
    .update(credentials.key + timestamp + nonce + body, 'utf8')
    .digest('hex');
}

/** The four headers of a signed call. A nonce is good once, so every attempt needs new ones. */
export function signedHeaders(credentials: PlatformCredentials, body: string): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const nonce = randomUUID();
  return {
    'x-platform-key': credentials.key,
    'x-timestamp': timestamp,
    'x-nonce': nonce,
    'x-signature': platformSignature(credentials, timestamp, nonce, body),
  };
}
