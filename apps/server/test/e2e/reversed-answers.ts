import { type Rewrite } from '@dt/testkit';

/** Long enough that answers meet, and too short for anybody to give up. */
const HOLD_MS = 15;

/** Holds the frames of each connection for a moment, and passes on the last one first. */
export class ReversedAnswers {
  on = false;
  /** Frames that another one overtook. */
  overtaken = 0;

  readonly ofConnection = (): Rewrite => {
    let held: Buffer[] = [];
    return (frame, write) => {
      if (!this.on) return frame;
      if (held.push(frame) === 1) {
        setTimeout(() => {
          this.overtaken += held.length - 1;
          write(Buffer.concat(held.reverse()));
          held = [];
        }, HOLD_MS);
      }
      return Buffer.alloc(0);
    };
  };
}
