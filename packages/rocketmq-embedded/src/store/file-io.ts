import fs from 'node:fs';

/**
 * Promises over the callback calls on plain descriptors: a pull makes one or two of these, and FileHandle costs
 * several times as much per call.
 */
export function readFully(
  fd: number,
  buffer: Buffer,
  offset: number,
  length: number,
  position: number,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let done = 0;
    const step = (): void => {
      fs.read(fd, buffer, offset + done, length - done, position + done, (error, count) => {
        if (error !== null) return reject(error);
        done += count;
        if (count === 0 || done === length) return resolve(done);
        step();
      });
    };
    step();
  });
}

export function writeFully(fd: number, buffer: Buffer, length: number, position: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
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
