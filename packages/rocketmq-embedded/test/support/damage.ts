import fs from 'node:fs';
import path from 'node:path';

/** Flips one bit of a file in place. */
export function flipBit(file: string, position: number, bit: number): void {
  const fd = fs.openSync(file, 'r+');
  try {
    const byte = Buffer.alloc(1);
    fs.readSync(fd, byte, 0, 1, position);
    byte.writeUInt8(byte.readUInt8(0) ^ (1 << bit), 0);
    fs.writeSync(fd, byte, 0, 1, position);
  } finally {
    fs.closeSync(fd);
  }
}

/** Files of a folder and the folders in it that hold something, by name. */
export function filesOf(folder: string): string[] {
  return fs
    .readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => fs.statSync(file).size > 0)
    .sort();
}

/** A place in a folder, as fractions: the same numbers mean the same place whatever the sizes. */
export interface Flip {
  file: number;
  position: number;
  bit: number;
}

/** Flips bits of these files; returns which. */
export function flipBits(files: readonly string[], flips: readonly Flip[]): string[] {
  return flips.map(({ file, position, bit }) => {
    const name = files[Math.floor(file * files.length)] ?? '';
    flipBit(name, Math.floor(position * fs.statSync(name).size), bit);
    return name;
  });
}
