import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log/index.ts';
import type { NacosClient } from './client.ts';

export interface NacosWatchOptions {
  readonly client: NacosClient;
  /** MD5 of the document that is known; empty when none is. */
  readonly md5: string;
  readonly name: string;
  readonly log: Log;
  /** A document that differs from the one before. Must not throw. */
  readonly onText: (text: string) => void;
  /** Told at every change between the two. */
  readonly onReachable: (reachable: boolean) => void;
}

const firstPauseMs = 500;
const longestPauseMs = 10_000;

/** Follows a document until it is closed. While Nacos is away everything stays as it is; one line says so, and one the end. */
export function watchNacos({ client, name, log, onText, onReachable, ...known }: NacosWatchOptions): {
  close(): Promise<void>;
} {
  const stop = new AbortController();
  const { signal } = stop;
  let md5 = known.md5;
  let failures = 0;

  const followOnce = async (): Promise<void> => {
    const changed = await client.hasChanged(md5, signal);
    const document = changed ? await client.read(signal) : undefined;
    if (failures > 0) {
      log.info({ document: name }, 'nacos: answers again');
      onReachable(true);
      failures = 0;
    }
    if (!changed) return;
    if (document === undefined) {
      if (md5 !== '')
        log.warn({ document: name }, 'nacos: the document was taken away; settings stay as they are');
      md5 = '';
    } else if (document.md5 !== md5) {
      md5 = document.md5;
      onText(document.text);
      return;
    }
    // Told of a change and there is none to see (yet): not at once again.
    await delay(firstPauseMs, undefined, { signal });
  };

  const follow = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        await followOnce();
      } catch (err) {
        if (signal.aborted) return;
        if (failures === 0) {
          log.warn(
            { document: name, err },
            'nacos: cannot be watched, trying again; settings stay as they are',
          );
          onReachable(false);
        }
        failures += 1;
        const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 10));
        // Spread, so that many instances do not come back in the same moment.
        await delay(pauseMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
      }
    }
  };
  const following = follow();
  return {
    close: () => {
      stop.abort();
      return following;
    },
  };
}
