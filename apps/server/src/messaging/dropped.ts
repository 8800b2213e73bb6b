import type { Log } from '../log/index.ts';

/**
 * Says that messages stay in the outbox while messaging is disabled, at most once per `everyMs` however many
 * there are. Nothing is dropped from the table: the line's wording is what operators search for.
 */
export function dropReporter(log: Log, topic: string, everyMs = 10_000): () => void {
  let last = -Infinity;
  return () => {
    const now = performance.now();
    if (now - last < everyMs) return;
    last = now;
    log.warn({ topic }, '[mq disabled] drop message');
  };
}
