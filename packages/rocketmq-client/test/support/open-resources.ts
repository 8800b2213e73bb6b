import { createHook } from 'node:async_hooks';

const TIMERS_AND_SOCKETS: ReadonlySet<string> = new Set(['Timeout', 'Immediate', 'TCPWRAP', 'TLSWRAP']);
const OURS = '/rocketmq-client/src/';

/**
 * Timers and sockets that code of this package has opened and not closed, from the start of the watch on. Those that do not
 * hold the process count, too, which `process.getActiveResourcesInfo()` does not tell.
 */
export class OpenResources implements Disposable {
  readonly #places = new Map<number, string>();
  readonly #hook = createHook({
    init: (id, type) => {
      if (!TIMERS_AND_SOCKETS.has(type)) return;
      const place = ownPlace();
      if (place !== undefined) this.#places.set(id, `${type} of ${place}`);
    },
    destroy: (id) => void this.#places.delete(id),
  });

  constructor() {
    this.#hook.enable();
  }

  /** What each is, and where it was opened. */
  get places(): string[] {
    return [...this.#places.values()];
  }

  [Symbol.dispose](): void {
    this.#hook.disable();
  }
}

function ownPlace(): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 50;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  const frames = stack.split('\n').filter((line) => line.includes(OURS));
  if (frames.length === 0) return undefined;
  return frames
    .slice(0, 3)
    .map((frame) => frame.slice(frame.indexOf(OURS) + OURS.length).replace(')', ''))
    .join(' < ');
}
