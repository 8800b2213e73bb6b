import { ProtocolError } from '../errors.ts';

/** How the clients of a group whose queues the broker shares out get their messages. */
export type MessageRequestMode = 'PULL' | 'POP';

/** Throws `body-malformed`, naming `where`. */
export function messageRequestModeOf(text: string, where: string): MessageRequestMode {
  if (text === 'PULL' || text === 'POP') return text;
  throw new ProtocolError('body-malformed', `${where}: mode is ${JSON.stringify(text.slice(0, 16))}, not PULL or POP`);
}
