import { versionName } from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { address, required, text, toggle } from '../flags.ts';
import { type Member, sameSubscription, stuckQueues } from '../group-health.ts';
import { Columns } from '../output/index.ts';
import { writePrivateFile } from '../private-file.ts';
import { memberRecord, runningInfoText } from '../running-info-view.ts';

const columns = new Columns([
  { title: '#Index', width: 10 },
  { title: '#ClientId', width: 40, gap: 1 },
  { title: '#Version', width: 20, gap: 1 },
  { title: '#ConsumerRunningInfoFile', gap: 1 },
]);

export const consumerStatus = defineCommand({
  name: 'consumerStatus',
  summary: 'What the members of a consumer group are doing, and whether they agree',
  flags: {
    consumerGroup: required(text('-g, --consumerGroup <group>', 'consumer group')),
    clientId: text('-i, --clientId <id>', 'only this member, whole (default: a file for each)'),
    brokerAddr: address(
      '-b, --brokerAddr <address>',
      'ask this broker, host:port (default: one of the group)',
    ),
    jstack: toggle('-s, --jstack', 'with the stacks of its threads, or what it has in their place'),
  },
  examples: ['-g game-consumer', '-g game-consumer -i 10.0.0.7@4711#c0ffee -s'],
  notes: 'Different subscriptions in one group, and queues in which nothing moves, are faults.',
  async run({ flags: { consumerGroup, clientId, brokerAddr, jstack }, out, signal, connect }) {
    const admin = await connect();
    const where = brokerAddr === undefined ? {} : { brokerAddress: brokerAddr };
    const online = await admin.consumerConnections(consumerGroup, { signal, ...where });
    if (online === undefined) throw new FaultError(`no member of group ${consumerGroup} is online`);
    const asked = online.connections.filter(
      (member) => clientId === undefined || member.clientId === clientId,
    );
    if (asked.length === 0) {
      const known = online.connections.map((member) => member.clientId).join(', ');
      throw new FaultError(`group ${consumerGroup} has no member ${clientId}; online are: ${known}`);
    }
    const members: Member[] = [];
    const silent: string[] = [];
    for (const { clientId: id, version } of asked) {
      try {
        const info = await admin.consumerRunningInfo(consumerGroup, id, { stack: jstack, signal, ...where });
        members.push({ clientId: id, version: versionName(version), info });
      } catch (error) {
        if (signal.aborted) throw error;
        out.note(`${id}: ${error instanceof Error ? error.message : String(error)}`);
        silent.push(id);
      }
      out.progress(`${members.length + silent.length} of ${asked.length} members`);
    }
    const isSame = sameSubscription(members);
    const stuck = members.flatMap((member) => stuckQueues(member));
    if (out.json) {
      const records = members.map((member) => memberRecord(member.clientId, member.version, member.info));
      out.document({ members: records, sameSubscription: isSame, stuckQueues: stuck });
    } else if (clientId !== undefined) {
      for (const { info } of members) out.line(runningInfoText(info));
    } else {
      const folder = String(Date.now());
      out.line(columns.header());
      for (const [at, member] of members.entries()) {
        const content = `${runningInfoText(member.info)}\n`;
        const path = await writePrivateFile(['runninginfo', folder], member.clientId, content);
        out.line(columns.row([at + 1, member.clientId, member.version, path]));
      }
      if (members.length > 0) {
        out.line();
        if (isSame) out.line('Same subscription in the same group of consumer\n\nRebalance OK');
        else out.line('WARN: Different subscription in the same group of consumer!!!');
      }
      for (const sentence of stuck) out.line(sentence);
    }
    if (silent.length > 0) throw new FaultError(`no answer of ${silent.join(', ')}`);
    if (!isSame) throw new FaultError(`the members of group ${consumerGroup} have different subscriptions`);
    if (stuck.length > 0)
      throw new FaultError(`${stuck.length} queues of group ${consumerGroup} do not move`);
  },
});
