import { RequestCode } from '../codes/request-codes.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';
import {
  longRequestHeader,
  responseHeader,
  type SendMessageRequest,
  type SendMessageResponse,
} from './send-message-fields.ts';

/** One message, header with full names. The Go client sends this. */
export const sendMessage = command<SendMessageRequest, SendMessageResponse>(RequestCode.SEND_MESSAGE, {
  request: headerAndBody(longRequestHeader),
  response: headerOnly(responseHeader),
});
