import { RequestCode } from '../codes/request-codes.ts';
import {
  decodeConfigurationChange,
  encodeConfigurationChange,
  type Configuration,
} from '../data/properties-text.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';

/** Changes values of a NameServer's configuration while it runs, as UPDATE_BROKER_CONFIG does for a broker. */
export const updateNameServerConfig = command<Configuration, Nothing>(RequestCode.UPDATE_NAMESRV_CONFIG, {
  request: bodyOnly({ encode: encodeConfigurationChange, decode: decodeConfigurationChange }),
  response: nothing,
});
