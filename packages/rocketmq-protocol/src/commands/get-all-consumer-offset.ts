import { RequestCode } from '../codes/request-codes.ts';
import { JsonReader } from '../json/read.ts';
import { bodyOnly, command, jsonBody, nothing, type Nothing } from './command-codec.ts';

export interface GroupTopicOffsets {
  group: string;
  topic: string;
  /** By queue id. */
  offsets: Record<string, number>;
}

export interface AllConsumerOffsets {
  entries: GroupTopicOffsets[];
}

function encode({ entries }: AllConsumerOffsets): Buffer {
  return jsonBody({
    offsetTable: Object.fromEntries(
      entries.map(({ group, topic, offsets }) => [`${topic}@${group}`, offsets]),
    ),
  });
}

function decode(body: Buffer): AllConsumerOffsets {
  const document = JsonReader.parse(body, 'ConsumerOffsets');
  if (!document.has('offsetTable')) return { entries: [] };
  const table = document.object('offsetTable');
  const entries = table.keys.map((key) => {
    // Neither topics nor groups may hold an `@`.
    const at = key.indexOf('@');
    return { topic: key.slice(0, at), group: key.slice(at + 1), offsets: table.integerMap(key) };
  });
  return { entries };
}

/** All offsets that groups have committed on one broker. */
export const getAllConsumerOffset = command<Nothing, AllConsumerOffsets>(
  RequestCode.GET_ALL_CONSUMER_OFFSET,
  { request: nothing, response: bodyOnly({ encode, decode }) },
);
