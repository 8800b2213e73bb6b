import { RequestCode } from '../codes/request-codes.ts';
import { boolean, header, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('CLONE_GROUP_OFFSET request', {
  srcGroup: text(),
  destGroup: text(),
  /** All topics of the source group when absent. */
  topic: optional(text()),
  /** Also topics that the members of the source group, if any are online, have left. */
  offline: optional(boolean()),
});

export type CloneGroupOffsetRequest = ReturnType<typeof requestHeader.decode>;

/** Gives a group the offsets of another one. */
export const cloneGroupOffset = command<CloneGroupOffsetRequest, Nothing>(RequestCode.CLONE_GROUP_OFFSET, {
  request: headerOnly(requestHeader),
  response: nothing,
});
