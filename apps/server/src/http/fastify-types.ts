import type { MeteredCall } from './metrics.ts';

declare module 'fastify' {
  interface FastifyInstance {
    /** Not ready from now on, and connections end with their next answer. */
    drain(): void;
  }
  interface FastifyReply {
    /** The envelope's `code`; -1 for answers without an envelope. */
    businessCode: number;
  }
  interface FastifyContextConfig {
    /** The call has figures of its own. */
    metered?: MeteredCall;
  }
}
