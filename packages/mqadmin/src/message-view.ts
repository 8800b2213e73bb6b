import type { Admin, FoundMessage, MessageTrack } from '@dt/rocketmq-client';
import { shownMap } from './attributes.ts';
import { formatMilliseconds, type Output } from './output/index.ts';
import { writePrivateFile } from './private-file.ts';

/** A message as `--json` shows it. */
export interface MessageRecord {
  messageId: string;
  offsetMessageId: string;
  topic: string;
  tag: string | null;
  keys: string[];
  brokerName: string;
  queueId: number;
  queueOffset: number;
  commitLogOffset: number;
  reconsumeTimes: number;
  bornTimestamp: number;
  storeTimestamp: number;
  bornHost: string;
  storeHost: string;
  sysFlag: number;
  sizeBytes: number;
  properties: Record<string, string>;
  /** A body that is no UTF-8 text comes as base64. */
  bodyEncoding: 'utf8' | 'base64';
  body: string;
}

export interface TrackRecord {
  group: string;
  track: string;
  error: string | null;
}

export function messageRecord(message: FoundMessage): MessageRecord {
  const text = utf8Text(message.body);
  return {
    messageId: message.messageId,
    offsetMessageId: message.offsetMessageId,
    topic: message.topic,
    tag: message.tag ?? null,
    keys: message.keys,
    brokerName: message.queue.brokerName,
    queueId: message.queue.queueId,
    queueOffset: message.queueOffset,
    commitLogOffset: message.physicalOffset,
    reconsumeTimes: message.reconsumeTimes,
    bornTimestamp: message.bornTimestamp,
    storeTimestamp: message.storeTimestamp,
    bornHost: message.bornHost,
    storeHost: message.storeHost,
    sysFlag: message.sysFlag,
    sizeBytes: message.sizeBytes,
    properties: { ...message.properties },
    bodyEncoding: text === undefined ? 'base64' : 'utf8',
    body: text ?? message.body.toString('base64'),
  };
}

/** What is shown of a message beside itself. */
export interface ViewOptions {
  /** Its id at the broker, as the first line. */
  withOffsetId: boolean;
  /** Shows the body as text of this character set. */
  charset?: string | undefined;
  /** Tells copies of one message apart in the name of the body's file. */
  copy?: number;
}

/** Shows messages one below the other, each with what became of it in every group. */
export async function showMessages(
  admin: Admin,
  messages: readonly FoundMessage[],
  options: ViewOptions,
  out: Output,
  signal: AbortSignal,
): Promise<void> {
  const records: unknown[] = [];
  for (const [copy, message] of messages.entries()) {
    const tracks = await admin.messageTrack(message, { signal });
    if (out.json) records.push({ ...messageRecord(message), tracks: tracks.map(trackRecord) });
    else await showMessage(message, tracks, { ...options, copy }, out);
  }
  if (out.json) out.document(records);
}

async function showMessage(
  message: FoundMessage,
  tracks: readonly MessageTrack[],
  { withOffsetId, charset, copy = 0 }: ViewOptions,
  out: Output,
): Promise<void> {
  const field = (name: string, value: string | number): void => out.line(`${`${name}:`.padEnd(20)} ${value}`);
  if (withOffsetId) field('OffsetID', message.offsetMessageId);
  field('Topic', message.topic);
  field('Tags', `[${message.tag ?? ''}]`);
  field('Keys', `[${message.keys.join(' ')}]`);
  field('Queue ID', message.queue.queueId);
  field('Queue Offset', message.queueOffset);
  field('CommitLog Offset', message.physicalOffset);
  field('Reconsume Times', message.reconsumeTimes);
  field('Born Timestamp', formatMilliseconds(message.bornTimestamp));
  field('Store Timestamp', formatMilliseconds(message.storeTimestamp));
  field('Born Host', message.bornHost);
  field('Store Host', message.storeHost);
  field('System Flag', message.sysFlag);
  field('Properties', shownMap(message.properties));
  const file = copy === 0 ? message.messageId : `${message.messageId}_${copy}`;
  field('Message Body Path', await writePrivateFile(['msgbodys'], file, message.body));
  if (charset !== undefined) field('Message Body', new TextDecoder(charset).decode(message.body));
  if (message.bodyError !== undefined) out.note(`${message.messageId}: ${message.bodyError}`);
  out.line();
  if (tracks.length === 0) out.line('WARN: No Consumer');
  for (const track of tracks.map(trackRecord))
    out.line(
      `MessageTrack [consumerGroup=${track.group}, trackType=${track.track}, exceptionDesc=${track.error}]`,
    );
}

function trackRecord({ group, track, error }: MessageTrack): TrackRecord {
  return { group, track, error: error?.message ?? null };
}

/** Undefined for bytes that are no text. */
function utf8Text(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}
