import { RequestCode } from '../codes/request-codes.ts';
import { command, nothing, type Nothing } from './command-codec.ts';

/** Removes what a broker still keeps of topics that were deleted. */
export const cleanUnusedTopic = command<Nothing, Nothing>(RequestCode.CLEAN_UNUSED_TOPIC, {
  request: nothing,
  response: nothing,
});
