import { RequestCode } from '../codes/request-codes.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface AllDelayOffsets {
  /** How many delayed messages were delivered, by delay level. */
  delivered: Record<string, number>;
}

/** Progress of delayed messages on one broker, by delay level. */
export const getAllDelayOffset = command<Nothing, AllDelayOffsets>(RequestCode.GET_ALL_DELAY_OFFSET, {
  request: nothing,
  response: bodyOnly({
    encode: ({ delivered }) => jsonBody({ offsetTable: delivered }),
    decode: (body) => ({ delivered: JsonReader.parse(body, 'DelayOffsets').integerMap('offsetTable') }),
  }),
});
