import { commands, decodeProperties, MessageProperty, type RemotingCommand } from '@dt/rocketmq-protocol';
import { decompressBody } from '../compression/index.ts';
import { SendError } from '../errors.ts';
import type { Logger } from '../logger.ts';
import { withinSignal } from '../timing/within-signal.ts';

/** The answer to a request message. */
export interface Reply {
  /** Decompressed. */
  body: Buffer;
  properties: Record<string, string>;
  /** Milliseconds since 1970 by the clock of who replied. */
  bornTimestamp: number;
  /** `ip:port` of who replied. */
  bornHost: string;
}

interface Waiting {
  resolve: (reply: Reply) => void;
  reject: (error: SendError) => void;
}

/** Requests that wait for their replies, by correlation id. */
export class Requests {
  readonly #waiting = new Map<string, Waiting>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Waits for the reply from before the request is sent until the signal fires, with its reason. */
  async exchange(correlationId: string, send: () => Promise<unknown>, until: AbortSignal): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiting.set(correlationId, { resolve, reject });
    });
    // Rejected before anybody listens when the request itself fails.
    reply.catch(() => undefined);
    try {
      await send();
      return await withinSignal(reply, until);
    } finally {
      this.#waiting.delete(correlationId);
    }
  }

  /** Takes a reply the broker has pushed; one that nobody waits for any more is dropped. */
  async take(request: RemotingCommand): Promise<void> {
    const pushed = commands.pushReplyMessageToClient.decodeRequest(request);
    const properties = decodeProperties(pushed.properties ?? '');
    const correlationId = properties[MessageProperty.CORRELATION_ID] ?? '';
    const waiting = this.#waiting.get(correlationId);
    if (waiting === undefined) {
      this.#logger.warn('a reply came that nobody waits for', { correlationId, from: pushed.bornHost });
      return;
    }
    const { body, bodyError } = await decompressBody(pushed);
    if (bodyError !== undefined) {
      waiting.reject(new SendError('bad-answer', `reply: ${bodyError}`, { outcome: 'unknown' }));
      return;
    }
    const { bornTimestamp, bornHost } = pushed;
    waiting.resolve({ body, properties, bornTimestamp, bornHost });
  }
}
