import fs from 'node:fs';
import { vi } from 'vitest';

/** Lets writes to the log fail, in either way they are done, until the returned function is called. */
export function failWrites(code: string): () => void {
  const error = Object.assign(new Error(code), { code });
  const spies = [
    vi.spyOn(fs, 'writeSync').mockImplementation(() => {
      throw error;
    }),
    vi.spyOn(fs, 'write').mockImplementation((...args: unknown[]) => {
      const callback = args.at(-1) as (error: Error) => void;
      setImmediate(callback, error);
    }),
  ];
  return () => {
    for (const spy of spies) spy.mockRestore();
  };
}
