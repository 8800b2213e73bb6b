import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What a caller may name a request: fits the trace columns and cannot break a log line or a header. */
const acceptable = /^[A-Za-z0-9._~:@/+=-]{1,64}$/;

/** The caller's `X-Request-Id` when it is usable, else a new UUID v4. */
export function traceIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && acceptable.test(given) ? given : randomUUID();
}

const traceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The W3C trace context of the request, to be spread into a call; nothing when there is none that is valid. */
export function traceContext(headers: IncomingHttpHeaders): { traceparent?: string } {
  const given = headers['traceparent'];
  return typeof given === 'string' && traceparent.test(given) ? { traceparent: given } : {};
}
