import { RequestCode } from '../codes/request-codes.ts';
import { command, nothing, type Nothing } from './command-codec.ts';

/** Has a broker drop index files of messages that are gone. */
export const cleanExpiredConsumeQueue = command<Nothing, Nothing>(RequestCode.CLEAN_EXPIRED_CONSUMEQUEUE, {
  request: nothing,
  response: nothing,
});
