import { RequestCode } from '../codes/request-codes.ts';
import type { DataVersion } from '../data/data-version.ts';
import { ProtocolError } from '../errors.ts';
import { bodyOnly, command, nothing, type Nothing } from './command-codec.ts';

const SIZE_BYTES = 56;

/** How far a broker is with messages for a time of their own. */
export interface TimerCheckPoint {
  /** Everything that was due before is delivered. Milliseconds since 1970. */
  lastReadTimeMs: number;
  /** Position in the broker's file of what waits. */
  lastTimerLogFlushPosition: number;
  /** Messages of the timer topic before it are known to the broker. */
  lastTimerQueueOffset: number;
  masterTimerQueueOffset: number;
  dataVersion: DataVersion;
}

function encode(checkPoint: TimerCheckPoint): Buffer {
  const { dataVersion } = checkPoint;
  const values = [
    ...[checkPoint.lastReadTimeMs, checkPoint.lastTimerLogFlushPosition],
    ...[checkPoint.lastTimerQueueOffset, checkPoint.masterTimerQueueOffset],
    ...[dataVersion.stateVersion, dataVersion.timestamp, dataVersion.counter],
  ];
  const body = Buffer.alloc(SIZE_BYTES);
  values.forEach((value, i) => body.writeBigInt64BE(BigInt(value), i * 8));
  return body;
}

function decode(body: Buffer): TimerCheckPoint {
  if (body.length !== SIZE_BYTES)
    throw new ProtocolError('body-malformed', `TimerCheckpoint: ${body.length} bytes, not ${SIZE_BYTES}`);
  const value = (index: number): number => Number(body.readBigInt64BE(index * 8));
  return {
    lastReadTimeMs: value(0),
    lastTimerLogFlushPosition: value(1),
    lastTimerQueueOffset: value(2),
    masterTimerQueueOffset: value(3),
    dataVersion: { stateVersion: value(4), timestamp: value(5), counter: value(6) },
  };
}

/** Slaves ask it of their master: seven int64, one behind the other. */
export const getTimerCheckPoint = command<Nothing, TimerCheckPoint>(RequestCode.GET_TIMER_CHECK_POINT, {
  request: nothing,
  response: bodyOnly({ encode, decode }),
});
