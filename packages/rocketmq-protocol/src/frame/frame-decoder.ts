import { ProtocolError } from '../errors.ts';
import type { RemotingCommand } from './command.ts';
import { decodeFrame } from './frame.ts';

/** The limit of RocketMQ's own decoder, length field included. */
export const DEFAULT_MAX_FRAME_BYTES = 16_777_216;

const LENGTH_BYTES = 4;

export interface FrameDecoderOptions {
  /** Longest frame accepted, its length field included. @default 16777216 */
  maxFrameBytes?: number;
}

/**
 * Cuts a byte stream into commands. Frames that lie within one chunk are not copied: their bodies are views of
 * the chunk, so who keeps a small body for long should copy it.
 *
 * The first bad frame throws a ProtocolError, and from then on every call throws it again: after a wrong length
 * nothing in the stream can be trusted, so the connection must be closed.
 */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  #chunks: Buffer[] = [];
  #buffered = 0;
  /** Bytes needed before it is worth looking again: joins a frame of many chunks once, not once a chunk. */
  #needed = LENGTH_BYTES;
  #failure: ProtocolError | undefined;

  constructor(options: FrameDecoderOptions = {}) {
    this.#maxFrameBytes = options.maxFrameBytes ?? DEFAULT_MAX_FRAME_BYTES;
    if (!Number.isSafeInteger(this.#maxFrameBytes) || this.#maxFrameBytes < 8) {
      throw new RangeError(`maxFrameBytes: ${this.#maxFrameBytes}, allowed is an integer from 8 up`);
    }
  }

  /** Bytes of an unfinished frame. */
  get bufferedBytes(): number {
    return this.#buffered;
  }

  push(chunk: Buffer): RemotingCommand[] {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      return this.#push(chunk);
    } catch (error) {
      this.#failure = asProtocolError(error);
      this.#chunks = [];
      this.#buffered = 0;
      throw this.#failure;
    }
  }

  #push(chunk: Buffer): RemotingCommand[] {
    const commands: RemotingCommand[] = [];
    let bytes = chunk;
    if (this.#buffered > 0) {
      this.#chunks.push(chunk);
      this.#buffered += chunk.length;
      if (this.#buffered < this.#needed) return commands;
      bytes = Buffer.concat(this.#chunks, this.#buffered);
    }
    let at = 0;
    let needed = LENGTH_BYTES;
    while (bytes.length - at >= LENGTH_BYTES) {
      const frameBytes = this.#frameBytes(bytes.readInt32BE(at));
      if (bytes.length - at < frameBytes) {
        needed = frameBytes;
        break;
      }
      commands.push(decodeFrame(bytes, at + LENGTH_BYTES, at + frameBytes));
      at += frameBytes;
    }
    this.#buffered = bytes.length - at;
    this.#chunks = this.#buffered > 0 ? [bytes.subarray(at)] : [];
    this.#needed = needed;
    return commands;
  }

  #frameBytes(length: number): number {
    if (length < LENGTH_BYTES) throw new ProtocolError('frame-malformed', `frame length ${length}`);
    const frameBytes = LENGTH_BYTES + length;
    if (frameBytes > this.#maxFrameBytes) {
      throw new ProtocolError(
        'frame-too-large',
        `frame of ${frameBytes} bytes, allowed are ${this.#maxFrameBytes}`,
      );
    }
    return frameBytes;
  }
}

function asProtocolError(error: unknown): ProtocolError {
  if (error instanceof ProtocolError) return error;
  return new ProtocolError('frame-malformed', 'frame cannot be decoded', { cause: error });
}
