import { RequestCode } from '../codes/request-codes.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface BrokerRuntimeInfo {
  /** All values are texts, also those that look like numbers. */
  table: Record<string, string>;
}

/** Figures of a running broker. */
export const getBrokerRuntimeInfo = command<Nothing, BrokerRuntimeInfo>(RequestCode.GET_BROKER_RUNTIME_INFO, {
  request: nothing,
  response: bodyOnly<BrokerRuntimeInfo>({
    encode: (info) => jsonBody({ table: info.table }),
    decode: (body) => ({ table: JsonReader.parse(body, 'KVTable').stringMap('table') }),
  }),
});
