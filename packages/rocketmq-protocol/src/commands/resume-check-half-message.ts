import { RequestCode } from '../codes/request-codes.ts';
import { header, optional, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('RESUME_CHECK_HALF_MESSAGE request', {
  topic: optional(text()),
  /** The id that tells where the message is stored. */
  msgId: optional(text()),
});

export type ResumeCheckHalfMessageRequest = ReturnType<typeof requestHeader.decode>;

/** Puts a half message, given up or not, back among those that producers are asked about, with no question counted. */
export const resumeCheckHalfMessage = command<ResumeCheckHalfMessageRequest, Nothing>(
  RequestCode.RESUME_CHECK_HALF_MESSAGE,
  { request: headerOnly(requestHeader), response: nothing },
);
