import { RequestCode } from '../codes/request-codes.ts';
import { command, nothing, type Nothing } from './command-codec.ts';

/** Has a broker look at once for files of its log that are old enough to go. */
export const deleteExpiredCommitLog = command<Nothing, Nothing>(RequestCode.DELETE_EXPIRED_COMMITLOG, {
  request: nothing,
  response: nothing,
});
