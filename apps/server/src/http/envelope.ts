import type { FastifyReply } from 'fastify';

export const JSON_TYPE = 'application/json; charset=utf-8';

/**
 * The one shape of every answer. `data` is left out, not null, when there is none.
 *
 * @param timestampMs Unix ms
 */
export function renderEnvelope(
  code: number,
  message: string,
  data: object | undefined,
  traceId: string,
  timestampMs: number,
): string {
  // JSON.stringify leaves `undefined` out and writes UTF-8 as it is.
  return JSON.stringify({ code, message, data, trace_id: traceId, timestamp: timestampMs });
}

/** A success, of now. */
export function sendData(reply: FastifyReply, data?: object): FastifyReply {
  return sendText(reply, 0, renderEnvelope(0, 'success', data, reply.request.id, Date.now()));
}

/** A success that may be a replay: the trace and the time are those of the first answer. */
export function sendFirstAnswer(
  reply: FastifyReply,
  data: object,
  first: { readonly traceId: string; readonly answeredAtMs: number },
): FastifyReply {
  return sendText(reply, 0, renderEnvelope(0, 'success', data, first.traceId, first.answeredAtMs));
}

export function sendRefusal(
  reply: FastifyReply,
  refusal: { readonly code: number; readonly httpStatus: number; readonly message: string },
): FastifyReply {
  const { code, httpStatus, message } = refusal;
  return sendText(
    reply.code(httpStatus),
    code,
    renderEnvelope(code, message, undefined, reply.request.id, Date.now()),
  );
}

function sendText(reply: FastifyReply, code: number, body: string): FastifyReply {
  reply.businessCode = code;
  return reply.header('content-type', JSON_TYPE).send(body);
}
