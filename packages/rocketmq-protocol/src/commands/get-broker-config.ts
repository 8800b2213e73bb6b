import { RequestCode } from '../codes/request-codes.ts';
import { decodeConfiguration, encodeConfiguration, type Configuration } from '../data/properties-text.ts';
import { header, text } from '../header/fields.ts';
import { command, nothing, type Nothing } from './command-codec.ts';

/** JSON of the version of the configuration. */
const responseHeader = header('GET_BROKER_CONFIG response', { version: text() });

export interface GetBrokerConfigResponse {
  version: string;
  configuration: Configuration;
}

/** Everything a broker is configured with. */
export const getBrokerConfig = command<Nothing, GetBrokerConfigResponse>(RequestCode.GET_BROKER_CONFIG, {
  request: nothing,
  response: {
    encode: ({ version, configuration }) => ({
      extFields: responseHeader.encode({ version }),
      body: encodeConfiguration(configuration),
    }),
    decode: ({ extFields, body }) => ({
      ...responseHeader.decode(extFields),
      configuration: decodeConfiguration(body),
    }),
  },
});
