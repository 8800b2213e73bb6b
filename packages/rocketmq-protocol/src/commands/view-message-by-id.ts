import { RequestCode } from '../codes/request-codes.ts';
import { header, int64, optional, text } from '../header/fields.ts';
import { bodyOnly, command, headerOnly } from './command-codec.ts';

const requestHeader = header('VIEW_MESSAGE_BY_ID request', { topic: optional(text()), offset: int64() });

export type ViewMessageByIdRequest = ReturnType<typeof requestHeader.decode>;

export interface ViewMessageByIdResponse {
  /** One stored message. */
  body: Buffer;
}

/** The message at a position of the commit log. None there: SYSTEM_ERROR. */
export const viewMessageById = command<ViewMessageByIdRequest, ViewMessageByIdResponse>(
  RequestCode.VIEW_MESSAGE_BY_ID,
  {
    request: headerOnly(requestHeader),
    response: bodyOnly({ encode: ({ body }) => body, decode: (body) => ({ body }) }),
  },
);
