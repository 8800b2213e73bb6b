import type { Admin, FoundMessage, MessageQueue } from '@dt/rocketmq-client';
import { shownMap } from '../attributes.ts';
import { defineCommand } from '../command.ts';
import { WrongCallError } from '../exit.ts';
import { charset, orElse, required, text, time, trueOrFalse } from '../flags.ts';
import { messageRecord } from '../message-view.ts';
import type { Output } from '../output/index.ts';

const RULE = '-'.repeat(56);
const MESSAGES_AT_ONCE = 32;

interface Range {
  readonly queue: MessageQueue;
  /** First offset. */
  readonly from: number;
  /** Behind the last one. */
  readonly to: number;
}

interface PrintOptions {
  readonly expression: string | undefined;
  readonly charset: string;
  readonly withBody: boolean;
}

export const printMsg = defineCommand({
  name: 'printMsg',
  summary: 'All messages of a topic, queue by queue',
  flags: {
    topic: required(text('-t, --topic <topic>', 'topic')),
    beginTimestamp: time(
      '-b, --beginTimestamp <time>',
      'stored at this time or later: ms since 1970, or yyyy-MM-dd#HH:mm:ss:SSS',
    ),
    endTimestamp: time(
      '-e, --endTimestamp <time>',
      'stored before this time: ms since 1970, or yyyy-MM-dd#HH:mm:ss:SSS',
    ),
    subExpression: text('-s, --subExpression <tags>', "only these tags, for example 'TagA || TagB'"),
    charsetName: orElse(charset('-c, --charsetName <charset>', 'character set of the bodies'), 'utf-8'),
    printBody: orElse(trueOrFalse('-d, --printBody <true|false>', 'with bodies'), true),
  },
  examples: [
    '-t dt_settle',
    "-t dt_settle -s 'order_settled || order_voided' -b 2026-01-31#18:00:00:000",
    '-t dt_settle -d false --json | wc -l',
  ],
  notes: 'With --json each message is one JSON document on one line.',
  async run({ flags, out, signal, connect }) {
    const { topic, beginTimestamp: begin, endTimestamp: end, subExpression, charsetName, printBody } = flags;
    if (begin !== undefined && end !== undefined && begin > end)
      throw new WrongCallError('--beginTimestamp must not be behind --endTimestamp');
    const admin = await connect();
    const ranges: Range[] = [];
    for (const queue of (await admin.topicRoute(topic)).readableQueues) {
      const [from, to] = await Promise.all([
        begin === undefined
          ? admin.minOffset(queue, { signal })
          : admin.offsetByTime(queue, begin, { signal }),
        end === undefined ? admin.maxOffset(queue, { signal }) : admin.offsetByTime(queue, end, { signal }),
      ]);
      ranges.push({ queue, from, to });
    }
    const total = ranges.reduce((sum, { from, to }) => sum + Math.max(0, to - from), 0);
    const options = { expression: subExpression, charset: charsetName, withBody: printBody };
    let before = 0;
    for (const range of ranges) {
      const done = before;
      await printQueue(admin, range, options, out, signal, (read) =>
        out.progress(`${done + read} of ${total} messages`),
      );
      before += Math.max(0, range.to - range.from);
    }
  },
});

async function printQueue(
  admin: Admin,
  { queue, from, to }: Range,
  options: PrintOptions,
  out: Output,
  signal: AbortSignal,
  onRead: (count: number) => void,
): Promise<void> {
  const name = `MessageQueue [topic=${queue.topic}, brokerName=${queue.brokerName}, queueId=${queue.queueId}]`;
  if (!out.json) out.line(`minOffset=${from}, maxOffset=${to}, ${name}`);
  for (let offset = from; offset < to;) {
    const read = await admin.readMessages(queue, offset, {
      ...{ max: MESSAGES_AT_ONCE, expression: options.expression, signal },
    });
    for (const message of read.messages) {
      if (message.queueOffset >= to) continue;
      if (out.json) out.record(jsonOf(message, options));
      else out.line(lineOf(message, options));
    }
    await out.drained(signal);
    if (!out.json && read.status === 'no-match')
      out.line(`${name} no matched msg. status=NO_MATCHED_MSG, offset=${read.nextOffset}`);
    const isEnd = read.status === 'no-new' || (read.status === 'offset-illegal' && read.nextOffset <= offset);
    if (isEnd || read.nextOffset <= offset) break;
    offset = read.nextOffset;
    onRead(Math.min(offset, to) - from);
  }
  if (!out.json) out.line(RULE);
}

function jsonOf(message: FoundMessage, { withBody }: PrintOptions): unknown {
  const { body, bodyEncoding, ...rest } = messageRecord(message);
  return withBody ? { ...rest, bodyEncoding, body } : rest;
}

function lineOf(message: FoundMessage, { charset: name, withBody }: PrintOptions): string {
  const fields = {
    brokerName: message.queue.brokerName,
    queueId: message.queue.queueId,
    storeSize: message.sizeBytes,
    queueOffset: message.queueOffset,
    sysFlag: message.sysFlag,
    bornTimestamp: message.bornTimestamp,
    bornHost: `/${message.bornHost}`,
    storeTimestamp: message.storeTimestamp,
    storeHost: `/${message.storeHost}`,
    msgId: message.offsetMessageId,
    commitLogOffset: message.physicalOffset,
    bodyCRC: message.bodyCrc,
    reconsumeTimes: message.reconsumeTimes,
    preparedTransactionOffset: message.preparedTransactionOffset,
    'toString()': `Message{topic='${message.topic}', flag=${message.flag}, properties=${shownMap(message.properties)}}`,
  };
  const shown = Object.entries(fields).map(([field, value]) => `${field}=${value}`);
  const body = withBody ? new TextDecoder(name).decode(message.body) : 'NOT PRINT BODY';
  return `MSGID: ${message.messageId} MessageExt [${shown.join(', ')}] BODY: ${body}`;
}
