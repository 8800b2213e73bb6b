import { javaStringHashCode } from '@dt/rocketmq-protocol';

const NAME_VALUE = 0x01;
const ENTRY = '\u0002';

/** The parts of a message's properties that the store makes findable. */
export interface IndexedProperties {
  /** Java's hash of the tag; 0 without a tag. */
  tagHash: number;
  /** Blank-separated keys as the producer set them. */
  keys: string | undefined;
  uniqueKey: string | undefined;
}

/** Of two entries with one name the last wins, as for every reader of properties. */
export function indexedProperties(text: string): IndexedProperties {
  let tags: string | undefined;
  let keys: string | undefined;
  let uniqueKey: string | undefined;
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf(ENTRY, start);
    if (end < 0) end = text.length;
    // Only entries of these three names are cut out: the others cost one comparison.
    if (text.charCodeAt(start + 4) === NAME_VALUE && end > start + 5) {
      if (text.startsWith('TAGS', start)) tags = text.slice(start + 5, end);
      else if (text.startsWith('KEYS', start)) keys = text.slice(start + 5, end);
    } else if (
      text.charCodeAt(start + 8) === NAME_VALUE &&
      end > start + 9 &&
      text.startsWith('UNIQ_KEY', start)
    ) {
      uniqueKey = text.slice(start + 9, end);
    }
    start = end + 1;
  }
  return { tagHash: tags === undefined ? 0 : javaStringHashCode(tags), keys, uniqueKey };
}

/** First half of a key's hash, the same for all keys of a topic. */
export function topicKeySeed(topic: string): number {
  return javaStringHashCode(`${topic}#`);
}

/** Java's hash of `topic#key`, continued from the topic's half. */
export function keyHash(seed: number, key: string): number {
  let hash = seed;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return hash;
}
