import { RequestCode } from '../codes/request-codes.ts';
import { dataVersionFromJson, dataVersionToJson, type DataVersion } from '../data/data-version.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

/** Messages of one topic that wait for a time of their own. */
export interface WaitingTimers {
  topic: string;
  count: number;
  /** When the count last changed, in milliseconds since 1970. */
  changedAt: number;
}

export interface TimerMetrics {
  dataVersion: DataVersion;
  /** Of every topic that has or had such messages. */
  topics: WaitingTimers[];
}

function encode({ dataVersion, topics }: TimerMetrics): Buffer {
  const timingCount = Object.fromEntries(
    topics.map(({ topic, count, changedAt }) => [topic, { count, timeStamp: changedAt }]),
  );
  return jsonBody({ dataVersion: dataVersionToJson(dataVersion), timingCount });
}

function decode(body: Buffer): TimerMetrics {
  const document = JsonReader.parse(body, 'TimerMetrics');
  const counts = document.object('timingCount');
  return {
    dataVersion: dataVersionFromJson(document, 'dataVersion'),
    topics: counts.keys.map((topic) => {
      const metric = counts.object(topic);
      return { topic, count: metric.integer('count'), changedAt: metric.integer('timeStamp') };
    }),
  };
}

/** How many messages wait for a time of their own, by topic. */
export const getTimerMetrics = command<Nothing, TimerMetrics>(RequestCode.GET_TIMER_METRICS, {
  request: nothing,
  response: bodyOnly({ encode, decode }),
});
