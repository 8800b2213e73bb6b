import { RequestCode } from '../codes/request-codes.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';
import {
  longRequestHeader,
  responseHeader,
  type SendMessageRequest,
  type SendMessageResponse,
} from './send-message-fields.ts';

/** A reply, with the header of SEND_MESSAGE: the broker hands it to the client its properties name. */
export const sendReplyMessage = command<SendMessageRequest, SendMessageResponse>(
  RequestCode.SEND_REPLY_MESSAGE,
  { request: headerAndBody(longRequestHeader), response: headerOnly(responseHeader) },
);
