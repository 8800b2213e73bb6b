import { EMPTY_BODY, type CommandPayload } from '../frame/command.ts';
import type { HeaderCodec } from '../header/fields.ts';

/**
 * One command of the wire, both directions of both sides. A `RemotingCommand` is a `CommandPayload`, so a received
 * command goes into the decoders as it is. Decoders throw ProtocolError for missing or invalid fields.
 */
export interface CommandCodec<Request, Response> {
  readonly code: number;
  readonly encodeRequest: (request: Request) => CommandPayload;
  readonly decodeRequest: (payload: CommandPayload) => Request;
  readonly encodeResponse: (response: Response) => CommandPayload;
  /** Only for success codes of the command: an error answer has neither header nor body. */
  readonly decodeResponse: (payload: CommandPayload) => Response;
}

/** A request or response that has no fields and no body. */
export type Nothing = Record<never, never>;

interface Half<T> {
  encode: (value: T) => CommandPayload;
  decode: (payload: CommandPayload) => T;
}

export const nothing: Half<Nothing> = {
  encode: () => ({ extFields: {}, body: EMPTY_BODY }),
  decode: () => ({}),
};

/** Fields only. */
export function headerOnly<H>(header: HeaderCodec<H>): Half<H> {
  return {
    encode: (value) => ({ extFields: header.encode(value), body: EMPTY_BODY }),
    decode: (payload) => header.decode(payload.extFields),
  };
}

/** A body only. */
export function bodyOnly<T>(body: { encode(value: T): Buffer; decode(body: Buffer): T }): Half<T> {
  return {
    encode: (value) => ({ extFields: {}, body: body.encode(value) }),
    decode: (payload) => body.decode(payload.body),
  };
}

/** Fields and the body as raw bytes under `body`. */
export function headerAndBody<H extends object>(header: HeaderCodec<H>): Half<H & { body: Buffer }> {
  return {
    encode: (value) => ({ extFields: header.encode(value), body: value.body }),
    decode: (payload) => ({ ...header.decode(payload.extFields), body: payload.body }),
  };
}

export function command<Request, Response>(
  code: number,
  halves: { request: Half<Request>; response: Half<Response> },
): CommandCodec<Request, Response> {
  return {
    code,
    encodeRequest: halves.request.encode,
    decodeRequest: halves.request.decode,
    encodeResponse: halves.response.encode,
    decodeResponse: halves.response.decode,
  };
}

/** JSON body from an object, keys as given. */
export function jsonBody(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
