import { defineCommand } from '../command.ts';
import { FaultError } from '../exit.ts';
import { charset, integer, required, text } from '../flags.ts';
import { showMessages } from '../message-view.ts';

export const queryMsgByOffset = defineCommand({
  name: 'queryMsgByOffset',
  summary: 'The message at an offset of a queue, and what became of it in every group',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    brokerName: required(text('-b, --brokerName <name>', 'name of the broker, as topicStatus shows it')),
    queueId: required(integer('-i, --queueId <id>', 'queue', { max: 0x7fffffff })),
    offset: required(integer('-o, --offset <offset>', 'offset in the queue')),
    bodyFormat: charset('-f, --bodyFormat <charset>', 'show the body as text of this character set'),
  },
  examples: ['-t dt_settle -b broker-a -i 0 -o 17', '-t dt_settle -b broker-a -i 0 -o 17 -f UTF-8'],
  notes: 'The body is written to a file, whose path is shown; with --json it is part of the result instead.',
  async run({ flags: { topic, brokerName, queueId, offset, bodyFormat }, out, signal, connect }) {
    const admin = await connect();
    const message = await admin.messageByOffset({ topic, brokerName, queueId }, offset, { signal });
    if (message === undefined) {
      const queue = `queue ${queueId} of topic ${topic} at ${brokerName}`;
      throw new FaultError(`${queue} has no message at offset ${offset}; topicStatus shows its offsets`);
    }
    await showMessages(admin, [message], { withOffsetId: true, charset: bodyFormat }, out, signal);
  },
});
