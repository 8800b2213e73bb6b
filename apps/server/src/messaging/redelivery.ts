import { Admin } from '@dt/rocketmq-client';
import type { Config } from '../config/index.ts';
import type { Log } from '../log/index.ts';
import { clientOptions } from './client-options.ts';

const hourMs = 3_600_000;
const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: hourMs, d: 24 * hourMs };

/** What decides how long a broker may deliver a message again. */
export interface RedeliveryTerms {
  /** `fileReservedTime`: files of messages that are older go. */
  readonly reservedHours: number;
  /** Redeliveries of a message that failed, before it goes to the dead-letter topic. */
  readonly retryMaxTimes: number;
  /** `messageDelayLevel`: the pauses of redeliveries are those from the third on. */
  readonly delayLevels: string;
}

/** What a broker of 5.3.0 does that nobody has told otherwise. */
const defaults: RedeliveryTerms = {
  reservedHours: 72,
  retryMaxTimes: 16,
  delayLevels: '1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h',
};

/** Files that are old enough go at one hour of the day (`deleteWhen`) only. */
const deleteWhenMs = 24 * hourMs;
const firstRetryLevel = 3;

/** The time its files stay, the wait until they go, and the pauses of all redeliveries. */
export function spanMs({ reservedHours, retryMaxTimes, delayLevels }: RedeliveryTerms): number {
  const pausesMs = delayLevels.trim().split(/\s+/).map(pauseMs);
  let retriesMs = 0;
  for (let retry = 0; retry < retryMaxTimes; retry += 1) {
    retriesMs += pausesMs[Math.min(firstRetryLevel - 1 + retry, pausesMs.length - 1)] ?? 0;
  }
  return reservedHours * hourMs + deleteWhenMs + retriesMs;
}

function pauseMs(text: string): number {
  const [, count, unit = ''] = /^(\d+)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count === undefined) throw new Error(`messageDelayLevel has ${JSON.stringify(text)}, which is no time`);
  return Number(count) * (unitMs[unit] ?? 0);
}

/**
 * How long RocketMQ may deliver a message of the settlement topic to the consumer group again: the longest of its
 * brokers. Where they cannot be asked (access control, or away) what a broker does by default is assumed, with a warning.
 */
export async function redeliverySpanMs(config: Config['rocketmq'], log: Log): Promise<number> {
  try {
    return Math.max(...(await askBrokers(config, log)).map(spanMs));
  } catch (err) {
    const assumedMs = spanMs(defaults);
    log.warn(
      { assumedHours: Math.round(assumedMs / hourMs), err },
      'rocketmq: cannot ask for how long messages may come again, assuming the default',
    );
    return assumedMs;
  }
}

async function askBrokers(config: Config['rocketmq'], log: Log): Promise<RedeliveryTerms[]> {
  const admin = new Admin(clientOptions(config, log));
  try {
    await admin.start();
    const { brokers } = await admin.topicRoute(config.topic_settle);
    const terms: RedeliveryTerms[] = [];
    for (const { brokerAddrs } of brokers.values()) {
      // The master, or any slave: they are configured alike.
      const address = brokerAddrs['0'] ?? Object.values(brokerAddrs)[0];
      if (address === undefined) continue;
      const broker = await admin.brokerConfig(address);
      const group = await admin.subscriptionGroup(address, config.consumer_group);
      terms.push({
        reservedHours: hours(broker['fileReservedTime']),
        retryMaxTimes: retries(group?.retryMaxTimes),
        delayLevels: broker['messageDelayLevel'] ?? defaults.delayLevels,
      });
    }
    if (terms.length === 0) throw new Error(`no broker has the topic ${config.topic_settle}`);
    return terms;
  } finally {
    await admin.close();
  }
}

function hours(text: string | undefined): number {
  if (text === undefined) return defaults.reservedHours;
  const number = Number(text);
  if (text === '' || !Number.isFinite(number))
    throw new Error(`fileReservedTime is ${JSON.stringify(text)}, which is no number`);
  return number;
}

/** A group that is not there yet gets the default, and -1 stands for it. */
function retries(times: number | undefined): number {
  return times === undefined || times < 0 ? defaults.retryMaxTimes : times;
}
