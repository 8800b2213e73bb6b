import { JsonReader } from '@dt/rocketmq-protocol';

/** Messages of one queue that one pop gave to a group, as far as they are not done. */
export interface Checkpoint {
  readonly group: string;
  /** Where the messages lie: the topic itself, or the group's pop retry topic for it. */
  readonly topic: string;
  readonly queueId: number;
  readonly startOffset: number;
  readonly popTime: number;
  readonly invisibleTimeMs: number;
  /** Queue of the revive topic that notes about it are in. */
  readonly reviveQueueId: number;
  /** Offsets of the messages that are not done. */
  readonly open: Set<number>;
}

/** What a receipt says of its check-point. */
export type CheckpointId = Pick<Checkpoint, 'group' | 'topic' | 'queueId' | 'startOffset' | 'popTime'>;

export function checkpointKey({ group, topic, queueId, startOffset, popTime }: CheckpointId): string {
  return `${topic}@${group}@${queueId}@${startOffset}@${popTime}`;
}

export function reviveAt({ popTime, invisibleTimeMs }: Checkpoint): number {
  return popTime + invisibleTimeMs;
}

/** Tags of the notes in the revive topic. */
export const CHECKPOINT_TAG = 'ck';
export const DONE_TAG = 'ack';

export function encodeCheckpoint(checkpoint: Checkpoint): Buffer {
  const { invisibleTimeMs, open } = checkpoint;
  return Buffer.from(JSON.stringify({ ...idToJson(checkpoint), it: invisibleTimeMs, o: [...open] }));
}

export function decodeCheckpoint(body: Buffer, reviveQueueId: number): Checkpoint {
  const reader = JsonReader.parse(body, 'check-point');
  const open = new Set(reader.integers('o'));
  return { ...idFrom(reader), invisibleTimeMs: reader.integer('it'), reviveQueueId, open };
}

/** A note that these messages of a check-point are done. */
export function encodeDone(id: CheckpointId, offsets: readonly number[]): Buffer {
  return Buffer.from(JSON.stringify({ ...idToJson(id), o: offsets }));
}

export function decodeDone(body: Buffer): { id: CheckpointId; offsets: number[] } {
  const reader = JsonReader.parse(body, 'note of a check-point');
  return { id: idFrom(reader), offsets: reader.integers('o') };
}

function idToJson({ group, topic, queueId, startOffset, popTime }: CheckpointId): Record<string, unknown> {
  return { c: group, t: topic, q: queueId, so: startOffset, pt: popTime };
}

function idFrom(reader: JsonReader): CheckpointId {
  return {
    group: reader.string('c'),
    topic: reader.string('t'),
    queueId: reader.integer('q'),
    startOffset: reader.integer('so'),
    popTime: reader.integer('pt'),
  };
}
