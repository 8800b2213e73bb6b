import { statfs } from 'node:fs/promises';
import {
  commands,
  CURRENT_VERSION,
  RequestCode,
  ResponseCode,
  versionName,
  type RemotingCommand,
} from '@dt/rocketmq-protocol';
import { Refusal, success, type RequestHandler } from '../server/index.ts';
import type { BrokerConfig } from './broker-config.ts';
import type { BrokerContext } from './context.ts';

/** What the broker tells of itself. */
export function brokerInfoHandlers(
  broker: BrokerContext,
  dataDir: string,
  config: BrokerConfig,
): [number, RequestHandler][] {
  return [
    [RequestCode.GET_BROKER_RUNTIME_INFO, (request) => runtimeInfo(broker, dataDir, request)],
    [
      RequestCode.GET_BROKER_CONFIG,
      (request) => {
        const version = JSON.stringify(config.version);
        const answer = { version, configuration: config.values };
        return success(request, commands.getBrokerConfig.encodeResponse(answer));
      },
    ],
    [RequestCode.VIEW_BROKER_STATS_DATA, (request) => statsData(broker, request)],
    [
      RequestCode.UPDATE_BROKER_CONFIG,
      (request) => {
        config.update(commands.updateBrokerConfig.decodeRequest(request));
        return success(request);
      },
    ],
  ];
}

function statsData({ stats }: BrokerContext, request: RemotingCommand): RemotingCommand {
  const { statsName = 'null', statsKey = 'null' } = commands.viewBrokerStatsData.decodeRequest(request);
  const data = stats.traffic.get(statsName, statsKey);
  if (data === undefined)
    throw new Refusal(ResponseCode.SYSTEM_ERROR, `The stats <${statsName}> <${statsKey}> not exist`);
  return success(request, commands.viewBrokerStatsData.encodeResponse(data));
}

async function runtimeInfo(
  broker: BrokerContext,
  dataDir: string,
  request: RemotingCommand,
): Promise<RemotingCommand> {
  const { stats, store, delays, timers } = broker;
  const table: Record<string, string> = {
    brokerActive: 'true',
    brokerVersion: String(CURRENT_VERSION),
    brokerVersionDesc: versionName(CURRENT_VERSION),
    bootTimestamp: String(stats.bootTimestamp),
    runtime: runtimeText(Date.now() - stats.bootTimestamp),
    commitLogDiskRatio: String(await usedRatio(dataDir)),
    commitLogMinOffset: String(store.minPhysicalOffset),
    commitLogMaxOffset: String(store.maxPhysicalOffset),
    earliestMessageTimeStamp: String(store.earliestTimestamp || -1),
    dispatchBehindBytes: '0',
    pageCacheLockTimeMills: '0',
    putTps: rates(stats.putTps),
    getTotalTps: rates(stats.getTps),
    getFoundTps: rates(stats.getTps),
    getTransferredTps: rates(stats.getTps),
    getMissTps: rates(0),
    msgPutTotalTodayNow: String(stats.putTotal),
    msgGetTotalTodayNow: String(stats.getTotal),
    putMessageDistributeTime: '',
  };
  for (const name of [
    'msgPutTotalYesterdayMorning',
    'msgPutTotalTodayMorning',
    'msgGetTotalYesterdayMorning',
  ])
    table[name] = '0';
  for (const name of ['msgGetTotalTodayMorning', 'timerReadBehind', 'timerOffsetBehind']) table[name] = '0';
  table['timerCongestNum'] = String(timers.count);
  for (const name of ['timerEnqueueTps', 'timerDequeueTps']) table[name] = '0.0';
  for (const pool of ['send', 'pull', 'query', 'litePull']) {
    table[`${pool}ThreadPoolQueueSize`] = '0';
    table[`${pool}ThreadPoolQueueHeadWaitTimeMills`] = '0';
  }
  for (let level = 1; level <= delays.maxLevel; level++) {
    const { delivered, stored } = delays.progress(level);
    if (stored > 0) table[`scheduleMessageOffset_${level}`] = `${delivered},${stored}`;
  }
  return success(request, commands.getBrokerRuntimeInfo.encodeResponse({ table }));
}

/** Over 10, 60 and 600 seconds in a real broker; here all three are the present rate. */
function rates(value: number): string {
  const text = value.toFixed(2);
  return `${text} ${text} ${text}`;
}

function runtimeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3_600) % 24;
  return `[ ${days} days, ${hours} hours, ${Math.floor(seconds / 60) % 60} minutes, ${seconds % 60} seconds ]`;
}

/** Used part of what is used or can be used, rounded up to hundredths, as a real broker counts. */
async function usedRatio(folder: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(folder);
  const used = blocks - bfree;
  return used + bavail === 0 ? -1 : Math.ceil((used * 100) / (used + bavail)) / 100;
}
