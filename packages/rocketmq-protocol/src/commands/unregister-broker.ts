import { RequestCode } from '../codes/request-codes.ts';
import { header, int64, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('UNREGISTER_BROKER request', {
  brokerName: text(),
  brokerAddr: text(),
  clusterName: text(),
  brokerId: int64(),
});

export type UnregisterBrokerRequest = ReturnType<typeof requestHeader.decode>;

/** A broker tells a NameServer that it ends. */
export const unregisterBroker = command<UnregisterBrokerRequest, Nothing>(RequestCode.UNREGISTER_BROKER, {
  request: headerOnly(requestHeader),
  response: nothing,
});
