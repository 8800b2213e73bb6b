import { RequestCode } from '../codes/request-codes.ts';
import { decodeConfiguration, encodeConfiguration, type Configuration } from '../data/properties-text.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';

/** Everything a NameServer is configured with. */
export const getNameServerConfig = command<Nothing, Configuration>(RequestCode.GET_NAMESRV_CONFIG, {
  request: nothing,
  response: bodyOnly({ encode: encodeConfiguration, decode: decodeConfiguration }),
});
