import type { Socket } from 'node:net';
import { encodeCommandHead, type RemotingCommand } from '@dt/rocketmq-protocol';

/** What is gathered at most before it is written without waiting for the end of the turn. */
const SLAB_BYTES = 65_536;
/** Larger bodies are written as they are: copying them would cost more than a write. */
const COPY_BELOW_BYTES = 16_384;

/**
 * Writes frames to a socket. What comes in one turn of the event loop goes out in one write, because a system call
 * costs more than the bytes of many small messages.
 */
export class FrameWriter {
  readonly #socket: Socket;
  #slab: Buffer | undefined;
  /** What lies before was written: it may still be in the socket's queue. */
  #start = 0;
  #end = 0;
  #flushScheduled = false;
  #full = false;

  constructor(socket: Socket, onRoom: () => void) {
    this.#socket = socket;
    socket.on('drain', () => {
      this.#full = false;
      onRoom();
    });
  }

  /** Whether the socket has more to write than it should hold: the owner waits for room. */
  get full(): boolean {
    return this.#full;
  }

  /** With `now` it is written before this returns. Throws for a command that cannot be encoded. */
  write(command: RemotingCommand, now: boolean): void {
    const head = encodeCommandHead(command);
    const { body } = command;
    if (body.length >= COPY_BELOW_BYTES) {
      this.flush();
      this.#socket.cork();
      this.#socket.write(head);
      this.#noteRoom(this.#socket.write(body));
      this.#socket.uncork();
      return;
    }
    this.#append(head, body);
    if (now) this.flush();
    else this.#flushLater();
  }

  flush(): void {
    if (this.#slab === undefined || this.#start === this.#end || this.#socket.destroyed) return;
    const bytes = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#noteRoom(this.#socket.write(bytes));
  }

  #append(head: Buffer, body: Buffer): void {
    const bytes = head.length + body.length;
    // All of it has gone to the system: its room can be used again.
    if (this.#start === this.#end && this.#socket.writableLength === 0) this.#start = this.#end = 0;
    if (this.#slab === undefined || this.#end + bytes > this.#slab.length) {
      this.flush();
      // The old one belongs to the socket until its bytes are out.
      this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
      this.#start = 0;
      this.#end = 0;
    }
    this.#slab.set(head, this.#end);
    this.#slab.set(body, this.#end + head.length);
    this.#end += bytes;
  }

  #flushLater(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    process.nextTick(() => {
      this.#flushScheduled = false;
      this.flush();
    });
  }

  #noteRoom(room: boolean): void {
    if (!room) this.#full = true;
  }
}
