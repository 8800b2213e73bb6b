import { connect } from 'node:net';
import { RocketMQError } from '@dt/rocketmq-client';
import { fault, type Fault } from './types.ts';

export type Reach = 'open' | 'refused' | 'timed out' | 'no such host' | 'unreachable';

/** Whether something takes connections at `host:port`. */
export function reach(address: string, timeoutMs: number): Promise<Reach> {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(address.slice(at + 1)) });
    const done = (result: Reach): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(result);
    };
    // The socket's own time-out does not count the look-up of the name.
    const timer = setTimeout(() => done('timed out'), timeoutMs);
    socket.once('connect', () => done('open'));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') done('refused');
      else if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') done('no such host');
      else done(code === 'ETIMEDOUT' ? 'timed out' : 'unreachable');
    });
  });
}

/** The case of a refusal by access control, told by the broker's words; undefined for anything else. */
export function refusalOf(error: unknown): Fault | undefined {
  return error instanceof RocketMQError && error.code === 'access-denied'
    ? refusalByText(error.message)
    : undefined;
}

export function refusalByText(text: string): Fault | undefined {
  if (!/AclException|AuthenticationException|AuthorizationException/.test(text)) return undefined;
  // The second is what a broker says of an account that has been taken out of the file while it runs.
  if (/No acl config for|No PlainAccessResource for|No accessKey is configured/.test(text))
    return fault(
      'wrong-key',
      `the broker does not know the access key: ${text}`,
      'write an account with rocketmq.access_key into plain_acl.yml of the broker, or correct the key; neither side needs a restart for the file',
    );
  if (/Check signature failed/.test(text))
    return fault(
      'wrong-secret',
      `the broker knows the access key, but not this secret: ${text}`,
      'make rocketmq.secret_key and secretKey of that account in plain_acl.yml the same',
    );
  if (/permission for/i.test(text))
    return fault(
      'topic-permission',
      `the account may not do this: ${text}`,
      'give the account the topic and the group in plain_acl.yml: topicPerms <topic>=PUB|SUB, groupPerms <group>=SUB',
    );
  return fault('access-denied', text, 'look at the account in plain_acl.yml of the broker');
}

/** One line of an error and of what lies beneath it. */
export function oneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ');
}
