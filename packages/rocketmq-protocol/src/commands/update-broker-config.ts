import { RequestCode } from '../codes/request-codes.ts';
import {
  decodeConfigurationChange,
  encodeConfigurationChange,
  type Configuration,
} from '../data/properties-text.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';

/**
 * Changes values of a broker's configuration while it runs. Names it does not know, and values that cannot be read,
 * are passed over without a word; names it does not let change: NO_PERMISSION.
 */
export const updateBrokerConfig = command<Configuration, Nothing>(RequestCode.UPDATE_BROKER_CONFIG, {
  request: bodyOnly({ encode: encodeConfigurationChange, decode: decodeConfigurationChange }),
  response: nothing,
});
