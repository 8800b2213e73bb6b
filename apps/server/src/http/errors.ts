import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BusinessError } from '../game/index.ts';
import type { Log } from '../log/index.ts';
import { sendRefusal } from './envelope.ts';
import { badRequest, DoorError, notFound, systemBusy } from './refusal.ts';

/** Whatever goes wrong is answered in the envelope; what is not the caller's fault goes to the log with its cause. */
export function answerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendError(error, request, reply, log));
  app.setNotFoundHandler((_request, reply) => sendRefusal(reply, notFound()));
}

export function sendError(
  error: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
  log: Log,
): FastifyReply {
  if (error instanceof BusinessError) return sendRefusal(reply, error);
  if (error instanceof DoorError) {
    if (error.retryAfterSeconds !== undefined)
      void reply.header('retry-after', String(error.retryAfterSeconds));
    return sendRefusal(reply, error);
  }
  // What the framework itself refuses before a route is reached: a body that is too long, a bad content type.
  const status = (error as Partial<FastifyError>).statusCode;
  if (status !== undefined && status >= 400 && status < 500) {
    const isBet = request.routeOptions.config.metered === 'bet';
    return sendRefusal(reply, badRequest(isBet ? 'invalid json body' : 'invalid request'));
  }
  const what = { trace: request.id, method: request.method, path: request.url, err: error };
  if ('retryable' in error && error.retryable === true) {
    // Too busy: nothing is broken, and nothing of the request was done.
    log.warn(what, 'http: too busy');
    void reply.header('retry-after', '1');
  } else {
    log.error(what, 'http: request failed');
  }
  return sendRefusal(reply, systemBusy());
}
