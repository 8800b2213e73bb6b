import { RequestCode } from '../codes/request-codes.ts';
import { header, text } from '../header/fields.ts';
import { command, headerOnly, nothing, type Nothing } from './command-codec.ts';

const requestHeader = header('BROKER_HEARTBEAT request', {
  clusterName: text(),
  brokerAddr: text(),
  brokerName: text(),
});

export type BrokerHeartbeatRequest = ReturnType<typeof requestHeader.decode>;

/** A registered broker tells a NameServer that it still lives. */
export const brokerHeartbeat = command<BrokerHeartbeatRequest, Nothing>(RequestCode.BROKER_HEARTBEAT, {
  request: headerOnly(requestHeader),
  response: nothing,
});
