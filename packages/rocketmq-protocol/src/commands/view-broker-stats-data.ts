import { RequestCode } from '../codes/request-codes.ts';
import { header, optional, text } from '../header/fields.ts';
import { JsonReader } from '../json/read.ts';
import type { JsonObject } from '../json/json-value.ts';
import { bodyOnly, command, headerOnly, jsonBody } from './command-codec.ts';

const requestHeader = header('VIEW_BROKER_STATS_DATA request', {
  /** What is counted: `TOPIC_PUT_NUMS`, `GROUP_GET_NUMS`, ... */
  statsName: optional(text()),
  /** Of whom: a topic, `topic@group`, or the name of the cluster. */
  statsKey: optional(text()),
});

export type ViewBrokerStatsDataRequest = ReturnType<typeof requestHeader.decode>;

/** A count over one stretch of time. */
export interface StatsWindow {
  sum: number;
  /** A second. */
  tps: number;
  /** `sum` by times it was counted. */
  averagePerTime: number;
}

export interface BrokerStatsData {
  minute: StatsWindow;
  hour: StatsWindow;
  day: StatsWindow;
}

function toJson({ sum, tps, averagePerTime }: StatsWindow): JsonObject {
  return { avgpt: averagePerTime, sum, tps };
}

function fromJson(reader: JsonReader): StatsWindow {
  return {
    sum: reader.integer('sum'),
    tps: reader.number('tps'),
    averagePerTime: reader.number('avgpt'),
  };
}

function encode({ minute, hour, day }: BrokerStatsData): Buffer {
  return jsonBody({ statsDay: toJson(day), statsHour: toJson(hour), statsMinute: toJson(minute) });
}

function decode(body: Buffer): BrokerStatsData {
  const document = JsonReader.parse(body, 'BrokerStatsData');
  return {
    minute: fromJson(document.object('statsMinute')),
    hour: fromJson(document.object('statsHour')),
    day: fromJson(document.object('statsDay')),
  };
}

/** What a broker counts of a topic, a group or itself. Nothing counted: SYSTEM_ERROR. */
export const viewBrokerStatsData = command<ViewBrokerStatsDataRequest, BrokerStatsData>(
  RequestCode.VIEW_BROKER_STATS_DATA,
  { request: headerOnly(requestHeader), response: bodyOnly({ encode, decode }) },
);
