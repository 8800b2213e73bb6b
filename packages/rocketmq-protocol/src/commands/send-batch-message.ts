import { RequestCode } from '../codes/request-codes.ts';
import { command, headerAndBody, headerOnly } from './command-codec.ts';
import {
  shortRequestHeader,
  responseHeader,
  type SendMessageRequest,
  type SendMessageResponse,
} from './send-message-fields.ts';

/**
 * Several messages for one queue; the body is a batch body and `batch` is true. The broker appends the properties of the
 * header to those of every message, and the last of two equal names wins: leave UNIQ_KEY out of the header.
 */
export const sendBatchMessage = command<SendMessageRequest, SendMessageResponse>(
  RequestCode.SEND_BATCH_MESSAGE,
  {
    request: headerAndBody(shortRequestHeader),
    response: headerOnly(responseHeader),
  },
);
