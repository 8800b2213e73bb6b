import { RequestCode } from '../codes/request-codes.ts';
import { decodeHeartbeatData, encodeHeartbeatData, type HeartbeatData } from '../data/heartbeat-data.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';

/** Keeps a client in its groups and tells the broker its subscriptions. Those missing in it are removed. */
export const heartBeat = command<HeartbeatData, Nothing>(RequestCode.HEART_BEAT, {
  request: bodyOnly({ encode: encodeHeartbeatData, decode: decodeHeartbeatData }),
  response: nothing,
});
