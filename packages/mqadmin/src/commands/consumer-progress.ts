import { type Admin, RocketMQError, versionName } from '@dt/rocketmq-client';
import { clientIps } from '../client-ips.ts';
import { defineCommand } from '../command.ts';
import { FaultError, WrongCallError } from '../exit.ts';
import { text, trueOrFalse } from '../flags.ts';
import { inOrder } from '../in-order.ts';
import { groupsOf } from '../unknown-name.ts';
import { type Column, Columns, formatSeconds, type Output } from '../output/index.ts';

const GROUPS_AT_ONCE = 8;

const groupColumns = new Columns([
  { title: '#Group', width: 64 },
  { title: '#Count', width: 6 },
  { title: '#Version', width: 24 },
  { title: '#Type', width: 5, gap: 1 },
  { title: '#Model', width: 14 },
  { title: '#TPS', width: 7 },
  { title: '#Diff Total' },
]);

function queueColumns(withClients: boolean): Columns {
  const client: Column[] = withClients ? [{ title: '#Client IP', width: 20 }] : [];
  return new Columns([
    { title: '#Topic', width: 64 },
    { title: '#Broker Name', width: 32 },
    { title: '#QID', width: 4 },
    { title: '#Broker Offset', width: 20 },
    { title: '#Consumer Offset', width: 20 },
    ...client,
    { title: '#Diff', width: 20, gap: withClients ? 1 : 2 },
    { title: '#Inflight', width: 20, gap: 1 },
    { title: '#LastTime', gap: 1 },
  ]);
}

export const consumerProgress = defineCommand({
  name: 'consumerProgress',
  summary: 'How far consumer groups are, and how far behind',
  flags: {
    groupName: text(
      '-g, --groupName <group>',
      'queue by queue of this group (default: a line for each group)',
    ),
    topicName: text('-t, --topicName <topic>', 'with --groupName: only this topic'),
    showClientIP: trueOrFalse(
      '-s, --showClientIP <true|false>',
      'with --groupName: which member has each queue',
    ),
    cluster: text('-c, --cluster <cluster>', 'with --topicName: ask the brokers of this cluster'),
  },
  examples: ['', '-g game-consumer', '-g game-consumer -s true', '-g game-consumer -t dt_settle --json'],
  notes: 'Diff is what the group has still to consume, Inflight what it has pulled and not yet committed.',
  async run({ flags: { groupName, topicName, showClientIP, cluster }, out, signal, connect }) {
    if (groupName === undefined) {
      const needless = { topicName, showClientIP, cluster };
      for (const [name, value] of Object.entries(needless))
        if (value !== undefined) throw new WrongCallError(`--${name} needs --groupName`);
      await allGroups(await connect(), out, signal);
      return;
    }
    if (cluster !== undefined && topicName === undefined)
      throw new WrongCallError('--cluster needs --topicName');
    const where = { topic: topicName, cluster };
    await oneGroup(await connect(), groupName, where, showClientIP === true, out, signal);
  },
});

async function oneGroup(
  admin: Admin,
  group: string,
  { topic, cluster }: { topic: string | undefined; cluster: string | undefined },
  withClients: boolean,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const { consumeTps, queues } = await admin.consumeStats(group, topic, { signal, clusterName: cluster });
  if (queues.length === 0) {
    const of = topic === undefined ? '' : ` of topic ${topic}`;
    throw new FaultError(`group ${group} has no offsets${of}: it has not consumed anything yet`);
  }
  const clients = withClients ? await clientIps(admin, group, out, signal) : undefined;
  const rows = queues.map(({ queue, brokerOffset, consumerOffset, pullOffset, lastTimestamp }) => ({
    topic: queue.topic,
    brokerName: queue.brokerName,
    queueId: queue.queueId,
    brokerOffset,
    consumerOffset,
    ...(clients && { clientIp: clients(queue) ?? null }),
    diff: brokerOffset - consumerOffset,
    inflight: pullOffset - consumerOffset,
    lastTimestamp,
  }));
  const diffTotal = rows.reduce((sum, { diff }) => sum + diff, 0);
  const inflightTotal = rows.reduce((sum, { inflight }) => sum + inflight, 0);
  if (out.json) {
    out.document({ group, consumeTps, diffTotal, inflightTotal, queues: rows });
    return;
  }
  const columns = queueColumns(withClients);
  out.line(columns.header());
  for (const row of rows) {
    out.line(
      columns.row([
        row.topic,
        row.brokerName,
        row.queueId,
        row.brokerOffset,
        row.consumerOffset,
        ...(withClients ? [row.clientIp ?? 'N/A'] : []),
        row.diff,
        row.inflight,
        row.lastTimestamp === 0 ? 'N/A' : formatSeconds(row.lastTimestamp),
      ]),
    );
  }
  out.line();
  out.line(`Consume TPS: ${consumeTps.toFixed(2)}`);
  out.line(`Consume Diff Total: ${diffTotal}`);
  out.line(`Consume Inflight Total: ${inflightTotal}`);
}

interface GroupProgress {
  group: string;
  count: number;
  version: string;
  type: string;
  model: string;
  consumeTps: number;
  diffTotal: number;
}

async function allGroups(admin: Admin, out: Output, signal: AbortSignal): Promise<void> {
  const topics = await admin.topicList({ signal });
  const groups = groupsOf(topics);
  const records: GroupProgress[] = [];
  let done = 0;
  if (!out.json) out.line(groupColumns.header());
  for await (const record of inOrder(groups, GROUPS_AT_ONCE, (group) => progressOf(admin, group, signal))) {
    done += 1;
    if (record !== undefined && out.json) records.push(record);
    if (record !== undefined && !out.json)
      out.line(
        groupColumns.row([
          record.group,
          record.count,
          record.version,
          record.type,
          record.model,
          Math.trunc(record.consumeTps),
          record.diffTotal,
        ]),
      );
    out.progress(`${done} of ${groups.length} groups`);
  }
  if (out.json) out.document(records);
}

/** Undefined for a group that was deleted since it was listed. */
async function progressOf(
  admin: Admin,
  group: string,
  signal: AbortSignal,
): Promise<GroupProgress | undefined> {
  try {
    const { consumeTps, queues } = await admin.consumeStats(group, undefined, { signal });
    const online = await admin.consumerConnections(group, { signal });
    const members = online?.connections ?? [];
    const isPush = online?.consumeType === 'CONSUME_PASSIVELY';
    return {
      group,
      count: members.length,
      version:
        members.length === 0 ? 'OFFLINE' : versionName(Math.min(...members.map(({ version }) => version))),
      type: members.length === 0 ? '' : isPush ? 'PUSH' : 'PULL',
      model: isPush ? (online?.messageModel ?? '') : '',
      consumeTps,
      diffTotal: queues.reduce((sum, queue) => sum + queue.brokerOffset - queue.consumerOffset, 0),
    };
  } catch (error) {
    if (error instanceof RocketMQError && error.code === 'topic-not-found') return undefined;
    throw error;
  }
}
