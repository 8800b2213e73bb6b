import {
  type Admin,
  type FoundMessage,
  isReservedProperty,
  type Message,
  Producer,
} from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { charset, orElse, required, text, trueOrFalse } from '../flags.ts';
import { showMessages } from '../message-view.ts';
import { pushDirectly, pushFlags, pushTargetOf } from '../push-directly.ts';

const OFFSET_ID = /^(?:[0-9a-f]{32}|[0-9a-f]{56})$/i;

export const queryMsgById = defineCommand({
  name: 'queryMsgById',
  summary: 'A message by its id, and what became of it in every group',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    msgId: required(
      text('-i, --msgId <list>', 'ids, of the producer or of the broker, with commas between them'),
    ),
    bodyFormat: charset('-f, --bodyFormat <charset>', 'show the body as text of this character set'),
    cluster: text('-c, --cluster <cluster>', 'ask the brokers of this cluster (default: those of the route)'),
    ...pushFlags,
    sendMessage: orElse(trueOrFalse('-s, --sendMessage <true|false>', 'send it once more'), false),
    unitName: text('-u, --unitName <name>', 'with --sendMessage: unit of the producer'),
  },
  examples: [
    '-t dt_settle -i 7F000001000079A700000000000002C4',
    '-t dt_settle -i C00002024AC72C38381271C822780004 -f UTF-8',
  ],
  notes: 'The body is written to a file, whose path is shown; with --json it is part of the result instead.',
  async run({ flags, out, signal, clientOptions, connect }) {
    const { topic, msgId, bodyFormat, cluster, sendMessage, unitName } = flags;
    const target = pushTargetOf(flags);
    const ids = msgId
      .split(',')
      .map((id) => id.trim())
      .filter((id) => id !== '');
    const admin = await connect();
    const found: FoundMessage[] = [];
    const missing: string[] = [];
    for (const [at, id] of ids.entries()) {
      if (ids.length > 1) out.progress(`${at} of ${ids.length} ids`);
      const message = await find(admin, topic, id, cluster, signal);
      if (message === undefined) missing.push(id);
      else found.push(message);
    }
    if (target !== undefined) {
      await pushDirectly(admin, found, target, out, signal);
    } else if (sendMessage) {
      await using producer = new Producer({
        ...{ ...clientOptions, group: 'mqadmin-resend' },
        ...(unitName !== undefined && { unitName }),
      });
      await producer.start();
      const sent: { messageId: string; newMessageId: string }[] = [];
      for (const message of found) {
        const result = await producer.send(copyOf(message), { signal });
        sent.push({ messageId: message.messageId, newMessageId: result.messageId });
        if (!out.json) out.line(`resent ${message.messageId} as ${result.messageId}`);
      }
      if (out.json) out.document(sent);
    } else {
      await showMessages(admin, found, { withOffsetId: true, charset: bodyFormat }, out, signal);
    }
    if (missing.length > 0)
      throw new FaultError(`no message of topic ${topic} has the id ${missing.join(', ')}`);
  },
});

/** Both kinds of ids can look alike; the one of the producer is tried first, since that asks known brokers only. */
async function find(
  admin: Admin,
  topic: string,
  id: string,
  clusterName: string | undefined,
  signal: AbortSignal,
): Promise<FoundMessage | undefined> {
  const message = await admin.messageByUniqueKey(topic, id, { clusterName, signal });
  if (message !== undefined || !OFFSET_ID.test(id)) return message;
  try {
    return await admin.messageById(id, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    // The address in the id is that of no broker: it was no id of a broker.
    return undefined;
  }
}

/** The same content for the same topic, as a new message: what brokers and clients noted is left behind. */
function copyOf({ topic, tag, keys, shardingKey, body, properties }: FoundMessage): Message {
  const own = Object.entries(properties).filter(([name]) => !isReservedProperty(name));
  return { topic, tag, keys, shardingKey, body, properties: Object.fromEntries(own) };
}
