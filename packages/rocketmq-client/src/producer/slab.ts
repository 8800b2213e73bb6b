/** Large enough that making one is rare, small enough that a forgotten one does not matter. */
const SLAB_BYTES = 1_048_576;

/**
 * Gives buffers cut from large pieces of memory. Each piece of its own costs the garbage collector far more than its
 * bytes do, and a producer of batches needs thousands of them a second; a piece lives as long as any buffer of it.
 */
export class Slab {
  #bytes = Buffer.alloc(0);
  #at = 0;

  readonly take = (sizeBytes: number): Buffer => {
    if (sizeBytes > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(sizeBytes);
    if (this.#at + sizeBytes > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#at = 0;
    }
    const start = this.#at;
    this.#at += sizeBytes;
    return this.#bytes.subarray(start, this.#at);
  };
}
