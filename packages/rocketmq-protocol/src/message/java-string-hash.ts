/** Java's `String.hashCode`: int32 with wrap-around, over UTF-16 units. Tags and sharding keys are hashed with it. */
export function javaStringHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** The queue Java's `SelectMessageQueueByHash` takes: the remainder first, then its absolute value. */
export function queueIndexByHash(hash: number, queueCount: number): number {
  return Math.abs(hash % queueCount);
}
