import type { Admin } from '@dt/rocketmq-client';
import { setTimeout as pause } from 'node:timers/promises';
import { type BrokerNode, nodesOf } from '../cluster.ts';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { integer, text, toggle } from '../flags.ts';
import { inOrder } from '../in-order.ts';
import { Columns, type Output } from '../output/index.ts';

const loadColumns = new Columns([
  { title: '#Cluster Name', width: 22 },
  { title: '#Broker Name', width: 22 },
  { title: '#BID', width: 4 },
  { title: '#Addr', width: 22 },
  { title: '#Version', width: 16, gap: 1 },
  { title: '#InTPS(LOAD)', width: 16, align: 'right' },
  { title: '#OutTPS(LOAD)', width: 16, align: 'right' },
  { title: '#Timer(Progress)', width: 22 },
  { title: '#PCWait(ms)', width: 11, align: 'right' },
  { title: '#Hour', width: 12 },
  { title: '#SPACE', width: 8 },
  { title: '#ACTIVATED', width: 10, align: 'right' },
]);

const totalColumns = new Columns([
  { title: '#Cluster Name', width: 16 },
  { title: '#Broker Name', width: 32 },
  { title: '#InTotalYest', width: 14, align: 'right', gap: 1 },
  { title: '#OutTotalYest', width: 14, align: 'right', gap: 1 },
  { title: '#InTotalToday', width: 14, align: 'right', gap: 1 },
  { title: '#OutTotalToday', width: 14, align: 'right', gap: 1 },
]);

const BROKERS_AT_ONCE = 8;

interface NodeFigures {
  readonly node: BrokerNode;
  /** Undefined when the broker did not answer. */
  readonly figures: Figures | undefined;
}

export const clusterList = defineCommand({
  name: 'clusterList',
  summary: 'The brokers of the clusters, their versions and their load',
  flags: {
    clusterName: text('-c, --clusterName <cluster>', 'only this cluster'),
    moreStats: toggle('-m, --moreStats', 'messages in and out, yesterday and today, instead of the load'),
    interval: integer('-i, --interval <seconds>', 'again and again, this often, until Ctrl-C', {
      min: 1,
      max: 86_400,
    }),
  },
  examples: ['', '-m', '-i 5', '--json'],
  notes: 'With --interval and --json each round is one JSON document on one line.',
  async run({ flags: { clusterName, moreStats, interval }, out, signal, connect }) {
    const admin = await connect();
    for (;;) {
      const silent = await round(admin, clusterName, moreStats, interval !== undefined, out, signal);
      if (interval === undefined) {
        if (silent.length > 0) throw new FaultError(`no answer from ${silent.join(', ')}`);
        return;
      }
      await pause(interval * 1_000, undefined, { signal });
    }
  },
});

/** Resolves to the addresses that did not answer. */
async function round(
  admin: Admin,
  clusterName: string | undefined,
  moreStats: boolean,
  isRepeated: boolean,
  out: Output,
  signal: AbortSignal,
): Promise<string[]> {
  const nodes = nodesOf(await admin.clusterInfo({ signal }), clusterName);
  const columns = moreStats ? totalColumns : loadColumns;
  const records: unknown[] = [];
  const silent: string[] = [];
  if (!out.json) out.line(columns.header());
  const ask = async (node: BrokerNode): Promise<NodeFigures> => {
    const figures = await admin.brokerRuntimeInfo(node.address, { signal }).catch((error: unknown) => {
      if (signal.aborted) throw error;
      out.note(`${node.address}: ${error instanceof Error ? error.message : String(error)}`);
      silent.push(node.address);
      return undefined;
    });
    return { node, figures: figures && new Figures(figures) };
  };
  for await (const { node, figures } of inOrder(nodes, BROKERS_AT_ONCE, ask)) {
    const record = moreStats ? totalsOf(figures) : loadOf(figures);
    if (out.json) records.push({ ...node, ...record });
    else out.line(columns.row([...rowHead(node, moreStats), ...rowTail(record)]));
  }
  if (out.json && isRepeated) out.record(records);
  else if (out.json) out.document(records);
  return silent;
}

/** The texts of a broker's figures as numbers; 0 for what it does not tell. */
class Figures {
  readonly #table: Readonly<Record<string, string>>;

  constructor(table: Readonly<Record<string, string>>) {
    this.#table = table;
  }

  text(name: string): string {
    return this.#table[name] ?? '';
  }

  /** The first of several numbers. */
  number(name: string): number {
    const value = Number.parseFloat(this.text(name));
    return Number.isFinite(value) ? value : 0;
  }
}

interface Load {
  version: string;
  inTps: number;
  sendQueueSize: number;
  sendQueueWaitMs: number;
  outTps: number;
  pullQueueSize: number;
  pullQueueWaitMs: number;
  timerReadBehind: number;
  timerOffsetBehind: number;
  timerCongestNum: number;
  timerEnqueueTps: number;
  timerDequeueTps: number;
  pageCacheLockMs: number;
  oldestMessageHours: number;
  diskRatio: number;
  isActive: boolean;
}

interface Totals {
  inTotalYesterday: number;
  outTotalYesterday: number;
  inTotalToday: number;
  outTotalToday: number;
}

function loadOf(figures: Figures = new Figures({})): Load {
  const oldest = figures.number('earliestMessageTimeStamp');
  return {
    version: figures.text('brokerVersionDesc'),
    inTps: figures.number('putTps'),
    sendQueueSize: figures.number('sendThreadPoolQueueSize'),
    sendQueueWaitMs: figures.number('sendThreadPoolQueueHeadWaitTimeMills'),
    outTps: figures.number('getTransferredTps'),
    pullQueueSize: figures.number('pullThreadPoolQueueSize'),
    pullQueueWaitMs: figures.number('pullThreadPoolQueueHeadWaitTimeMills'),
    timerReadBehind: figures.number('timerReadBehind'),
    timerOffsetBehind: figures.number('timerOffsetBehind'),
    timerCongestNum: figures.number('timerCongestNum'),
    timerEnqueueTps: figures.number('timerEnqueueTps'),
    timerDequeueTps: figures.number('timerDequeueTps'),
    pageCacheLockMs: figures.number('pageCacheLockTimeMills'),
    oldestMessageHours: oldest > 0 ? Math.max(0, Date.now() - oldest) / 3_600_000 : 0,
    diskRatio: figures.number('commitLogDiskRatio'),
    isActive: figures.text('brokerActive') === 'true',
  };
}

function totalsOf(figures: Figures = new Figures({})): Totals {
  const between = (later: string, earlier: string): number => figures.number(later) - figures.number(earlier);
  return {
    inTotalYesterday: between('msgPutTotalTodayMorning', 'msgPutTotalYesterdayMorning'),
    outTotalYesterday: between('msgGetTotalTodayMorning', 'msgGetTotalYesterdayMorning'),
    inTotalToday: between('msgPutTotalTodayNow', 'msgPutTotalTodayMorning'),
    outTotalToday: between('msgGetTotalTodayNow', 'msgGetTotalTodayMorning'),
  };
}

function rowHead(node: BrokerNode, moreStats: boolean): (string | number)[] {
  return moreStats
    ? [node.cluster, node.brokerName]
    : [node.cluster, node.brokerName, node.brokerId, node.address];
}

function rowTail(record: Load | Totals): (string | number | boolean)[] {
  if (!('version' in record)) return Object.values(record) as number[];
  const tps = (value: number, size: number, waitMs: number): string =>
    `${value.toFixed(2).padStart(9)}(${size},${waitMs}ms)`;
  const timer = [
    `${(record.timerCongestNum / 10_000).toFixed(1)}w`,
    record.timerEnqueueTps.toFixed(1),
    record.timerDequeueTps.toFixed(1),
  ];
  return [
    record.version,
    tps(record.inTps, record.sendQueueSize, record.sendQueueWaitMs),
    tps(record.outTps, record.pullQueueSize, record.pullQueueWaitMs),
    `${record.timerReadBehind}-${record.timerOffsetBehind}(${timer.join(', ')})`,
    record.pageCacheLockMs,
    record.oldestMessageHours.toFixed(2),
    record.diskRatio.toFixed(4),
    record.isActive,
  ];
}
