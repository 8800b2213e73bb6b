import fs from 'node:fs';

/** Where more is to be moved the call itself costs more than its way. */
const AT_ONCE_BYTES = 256 * 1024;
/** A call that takes longer has waited for the disk, or for a processor. */
const SLOW_MS = 2;
/** All calls that wait are to take at most a tenth of the time. */
const CAREFUL_TIMES = 10;
let carefulUntil = 0;

/**
 * What lies in the page cache is read and written at once: handing such a call to another thread costs several times
 * as much as the call itself. One that has to wait holds up everyone: for a while the next ones are handed over.
 * Undefined: not called.
 */
function atOnce(length: number, call: () => number): number | undefined {
  const started = performance.now();
  if (length > AT_ONCE_BYTES || started < carefulUntil) return undefined;
  const bytes = call();
  const ended = performance.now();
  if (ended - started > SLOW_MS) carefulUntil = ended + CAREFUL_TIMES * (ended - started);
  return bytes;
}

/** Reads what was most likely written or read a moment ago. */
export function readCached(
  fd: number,
  buffer: Buffer,
  length: number,
  position: number,
): number | Promise<number> {
  const done = atOnce(length, () => fs.readSync(fd, buffer, 0, length, position)) ?? 0;
  return done === length ? done : readFully(fd, buffer, length, position, done);
}

/** Appends a moderate number of bytes. */
export async function writeCached(
  fd: number,
  buffer: Buffer,
  length: number,
  position: number,
): Promise<void> {
  const done = atOnce(length, () => fs.writeSync(fd, buffer, 0, length, position)) ?? 0;
  if (done < length) await writeFully(fd, buffer, length, position, done);
}

/**
 * Promises over the callback calls on plain descriptors: FileHandle costs several times as much per call. The first
 * `done` bytes are there already; resolves to the number of those that are there then.
 */
export function readFully(
  fd: number,
  buffer: Buffer,
  length: number,
  position: number,
  done = 0,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const step = (): void => {
      fs.read(fd, buffer, done, length - done, position + done, (error, count) => {
        if (error !== null) return reject(error);
        done += count;
        if (count === 0 || done === length) return resolve(done);
        step();
      });
    };
    step();
  });
}

function writeFully(
  fd: number,
  buffer: Buffer,
  length: number,
  position: number,
  done: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const step = (): void => {
      fs.write(fd, buffer, done, length - done, position + done, (error, count) => {
        if (error !== null) return reject(error);
        done += count;
        if (done >= length) return resolve();
        step();
      });
    };
    step();
  });
}

export function dataSync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(fd, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Makes a created, renamed or removed name durable. Windows cannot open folders, and needs no such call. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
