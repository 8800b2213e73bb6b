import { RequestCode } from '../codes/request-codes.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';
import {
  responseHeader,
  type SendMessageRequest,
  type SendMessageResponse,
  shortRequestHeader,
} from './send-message-fields.ts';

/** The same with the one-letter names of SEND_MESSAGE_V2. */
export const sendReplyMessageV2 = command<SendMessageRequest, SendMessageResponse>(
  RequestCode.SEND_REPLY_MESSAGE_V2,
  { request: headerAndBody(shortRequestHeader), response: headerOnly(responseHeader) },
);
