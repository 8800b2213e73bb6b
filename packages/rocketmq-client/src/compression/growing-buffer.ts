/** Bytes that come piece by piece, never more than a limit. */
export class GrowingBuffer {
  readonly #limit: number;
  #bytes: Buffer;
  #length = 0;

  constructor(expected: number, limit: number) {
    this.#limit = limit;
    this.#bytes = Buffer.allocUnsafe(Math.min(Math.max(expected, 64), limit));
  }

  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  append(source: Uint8Array): void {
    const at = this.#reserve(source.length);
    this.#bytes.set(source, at);
  }

  /** Appends what stands `distance` bytes before the end; a piece longer than that repeats. */
  repeat(distance: number, count: number): void {
    let at = this.#reserve(count);
    for (let left = count; left > 0;) {
      const piece = Math.min(left, at - (this.#length - count) + distance);
      const start = this.#length - count - distance;
      this.#bytes.copyWithin(at, start, start + piece);
      at += piece;
      left -= piece;
    }
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#limit) throw new RangeError(`more than ${this.#limit} bytes come out of it`);
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.min(this.#limit, Math.max(needed, this.#bytes.length * 2)));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    this.#length = needed;
    return at;
  }
}
