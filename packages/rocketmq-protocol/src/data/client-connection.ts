import type { JsonObject } from '../json/json-value.ts';
import type { JsonReader } from '../json/read.ts';

/** A client that is connected to a broker. */
export interface ClientConnection {
  clientId: string;
  /** `ip:port` of the client's socket. */
  clientAddr: string;
  /** Empty when the client announced a language the broker does not know. */
  language: string;
  version: number;
}

export function clientConnectionToJson(connection: ClientConnection): JsonObject {
  const { clientAddr, clientId, language, version } = connection;
  return { clientAddr, clientId, language, version };
}

export function clientConnectionFromJson(connection: JsonReader): ClientConnection {
  return {
    clientId: connection.string('clientId'),
    clientAddr: connection.string('clientAddr'),
    language: connection.string('language', ''),
    version: connection.integer('version', 0),
  };
}
