import { messageOf, RocketMQError } from '../errors.ts';
import { parseAddress } from '../transport/index.ts';

/** A list is a line of text; what is longer is something else. */
const MAX_LIST_CHARS = 65_536;

/** The first line of an answer, addresses with `;` between them, as RocketMQ's address servers write it. */
export function parseNameServerList(text: string): readonly string[] {
  const [line = ''] = text.trim().split(/[\r\n]/);
  const addresses = [...new Set(line.split(/[;,]/).map((entry) => entry.trim()))].filter(
    (entry) => entry !== '',
  );
  const bad = addresses.find((address) => parseAddress(address) === undefined);
  if (addresses.length === 0) throw new Error('the list is empty');
  if (bad !== undefined) throw new Error(`${JSON.stringify(bad.slice(0, 64))} is not host:port`);
  return addresses;
}

/** Asks an address server for the NameServers. Fails with `name-server-unreachable`, retryable. */
export async function fetchNameServerList(
  url: string,
  timeoutMs: number,
  closing: AbortSignal,
): Promise<readonly string[]> {
  try {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(timeoutMs)]);
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const text = await response.text();
    if (text.length > MAX_LIST_CHARS) throw new Error(`${text.length} characters`);
    return parseNameServerList(text);
  } catch (cause) {
    if (closing.aborted) throw new RocketMQError('closed', 'the client is closed', { cause });
    const reason =
      cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
    throw new RocketMQError('name-server-unreachable', `list of NameServers from ${url}: ${reason}`, {
      retryable: true,
      cause,
    });
  }
}
