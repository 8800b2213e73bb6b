import { allocateAverage } from '@dt/rocketmq-client';
import { defineCommand } from '../command.ts';
import { WrongCallError } from '../exit.ts';
import { required, text } from '../flags.ts';

export const allocateMQ = defineCommand({
  name: 'allocateMQ',
  summary: 'Which queues of a topic each of some consumers would get',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    ipList: required(text('-i, --ipList <list>', 'client ids with commas between them')),
  },
  examples: ['-t dt_settle -i 10.0.0.1,10.0.0.2'],
  notes: 'Nothing is changed. The result is JSON with and without --json.',
  async run({ flags: { topic, ipList }, out, connect }) {
    const clientIds = ipList.split(',').map((id) => id.trim());
    const doubled = clientIds.find((id, at) => id === '' || clientIds.indexOf(id) !== at);
    if (doubled !== undefined) {
      throw new WrongCallError(
        `--ipList takes client ids that all differ, for example 10.0.0.1,10.0.0.2; not '${ipList}'`,
      );
    }
    const admin = await connect();
    const { readableQueues } = await admin.topicRoute(topic);
    const result = Object.fromEntries(
      clientIds.map((id) => [id, allocateAverage(readableQueues, clientIds, id)]),
    );
    if (out.json) out.document({ result });
    else out.record({ result });
  },
});
