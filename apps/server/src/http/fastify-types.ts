import type { MeteredCall } from './metrics.ts';

declare module 'fastify' {
  interface FastifyReply {
    /** The envelope's `code`; -1 for answers without an envelope. */
    businessCode: number;
  }
  interface FastifyContextConfig {
    /** The call has figures of its own. */
    metered?: MeteredCall;
  }
}
