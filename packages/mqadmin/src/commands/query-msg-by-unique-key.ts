import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { required, text, toggle } from '../flags.ts';
import { showMessages } from '../message-view.ts';
import { pushDirectly, pushFlags, pushTargetOf } from '../push-directly.ts';

export const queryMsgByUniqueKey = defineCommand({
  name: 'queryMsgByUniqueKey',
  summary: 'A message by the id that its producer gave it, and what became of it in every group',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    msgId: required(text('-i, --msgId <id>', 'id that the producer gave it')),
    showAll: toggle('-a, --showAll', 'all copies of it, 32 at most of a broker (default: the oldest)'),
    cluster: text('-c, --cluster <cluster>', 'ask the brokers of this cluster (default: those of the route)'),
    ...pushFlags,
  },
  examples: [
    '-t dt_settle -i C00002024AC72C38381271C822780004',
    '-t dt_settle -i C00002024AC72C38381271C822780004 -a --json',
  ],
  notes: 'The body is written to a file, whose path is shown; with --json it is part of the result instead.',
  async run({ flags, out, signal, connect }) {
    const { topic, msgId, showAll, cluster } = flags;
    const target = pushTargetOf(flags);
    const admin = await connect();
    const copies = await admin.messagesByUniqueKey(topic, msgId, { clusterName: cluster, signal });
    if (copies.length === 0) throw new FaultError(`no message of topic ${topic} has the id ${msgId}`);
    const shown = showAll ? copies : copies.slice(0, 1);
    if (target !== undefined) await pushDirectly(admin, shown, target, out, signal);
    else await showMessages(admin, shown, { withOffsetId: false }, out, signal);
  },
});
