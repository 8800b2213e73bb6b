import { RequestCode } from '../codes/request-codes.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';
import {
  shortRequestHeader,
  responseHeader,
  type SendMessageRequest,
  type SendMessageResponse,
} from './send-message-fields.ts';

/** One message, header with one-letter names. */
export const sendMessageV2 = command<SendMessageRequest, SendMessageResponse>(RequestCode.SEND_MESSAGE_V2, {
  request: headerAndBody(shortRequestHeader),
  response: headerOnly(responseHeader),
});
