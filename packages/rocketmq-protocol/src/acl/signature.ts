import { createHmac, timingSafeEqual } from 'node:crypto';

export interface Credentials {
  accessKey: string;
  secretKey: string;
  /** Only for temporary credentials. */
  securityToken?: string | undefined;
}

export const ACCESS_KEY = 'AccessKey';
export const SIGNATURE = 'Signature';
export const SECURITY_TOKEN = 'SecurityToken';

/**
 * Returns the fields with AccessKey, SecurityToken and Signature. Sign a request as it is finally sent: every
 * field counts, under the name it has on the wire.
 */
export function signRequest(
  extFields: Readonly<Record<string, string>>,
  body: Buffer,
  credentials: Credentials,
): Record<string, string> {
  const signed: Record<string, string> = { ...extFields, [ACCESS_KEY]: credentials.accessKey };
  if (credentials.securityToken !== undefined) signed[SECURITY_TOKEN] = credentials.securityToken;
  signed[SIGNATURE] = computeSignature(signed, body, credentials.secretKey).toString('base64');
  return signed;
}

/** Whether the Signature field fits fields, body and secret. Compares in constant time. */
export function verifyRequest(
  extFields: Readonly<Record<string, string>>,
  body: Buffer,
  secretKey: string,
): boolean {
  const signature = Object.hasOwn(extFields, SIGNATURE) ? extFields[SIGNATURE] : undefined;
  if (signature === undefined) return false;
  const given = Buffer.from(signature, 'base64');
  const expected = computeSignature(extFields, body, secretKey);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** HMAC-SHA1 over the values in the order of their names, then the body. */
function computeSignature(
  extFields: Readonly<Record<string, string>>,
  body: Buffer,
  secretKey: string,
): Buffer {
  let content = '';
  // The default sort compares UTF-16 units, as Java's does.
  for (const name of Object.keys(extFields).sort()) if (name !== SIGNATURE) content += extFields[name];
  return createHmac('sha1', secretKey).update(content, 'utf8').update(body).digest();
}
