import { CURRENT_VERSION } from '../codes/version.ts';
import type { LanguageName } from '../codes/language.ts';

export const EMPTY_BODY: Buffer = Buffer.alloc(0);

const RESPONSE_FLAG = 1;
const ONEWAY_FLAG = 2;

/** Header fields and body of a request or response: what a command file encodes and decodes. */
export interface CommandPayload {
  extFields: Record<string, string>;
  /** Empty when there is none: the wire does not tell the two apart. */
  body: Buffer;
}

/** One frame, either way. */
export interface RemotingCommand extends CommandPayload {
  /** A request code, or a response code when the response flag is set. */
  code: number;
  language: LanguageName;
  version: number;
  /** Correlation id chosen by the requester; requests a broker starts have a number space of their own. */
  opaque: number;
  flag: number;
  /** Error text of a response. On code 0 it means nothing. */
  remark?: string;
}

export interface RequestOptions {
  opaque: number;
  /** The peer never answers a one-way request, not even with an error. @default false */
  oneway?: boolean;
  /** @default 'OTHER' */
  language?: LanguageName;
  /** @default 473 (V5_3_0) */
  version?: number;
}

export function createRequest(
  code: number,
  payload: Partial<CommandPayload>,
  options: RequestOptions,
): RemotingCommand {
  return {
    code,
    language: options.language ?? 'OTHER',
    version: options.version ?? CURRENT_VERSION,
    opaque: options.opaque,
    flag: options.oneway === true ? ONEWAY_FLAG : 0,
    extFields: payload.extFields ?? {},
    body: payload.body ?? EMPTY_BODY,
  };
}

/** The answer to `request`: same opaque, response flag set. */
export function createResponse(
  request: Pick<RemotingCommand, 'opaque'>,
  code: number,
  payload: Partial<CommandPayload> & { remark?: string | undefined } = {},
): RemotingCommand {
  const response: RemotingCommand = {
    code,
    language: 'OTHER',
    version: CURRENT_VERSION,
    opaque: request.opaque,
    flag: RESPONSE_FLAG,
    extFields: payload.extFields ?? {},
    body: payload.body ?? EMPTY_BODY,
  };
  if (payload.remark !== undefined) response.remark = payload.remark;
  return response;
}

/** Classify by this before looking `opaque` up: both sides number their requests on their own. */
export function isResponse(command: Pick<RemotingCommand, 'flag'>): boolean {
  return (command.flag & RESPONSE_FLAG) !== 0;
}

export function isOneway(command: Pick<RemotingCommand, 'flag'>): boolean {
  return (command.flag & ONEWAY_FLAG) !== 0;
}
