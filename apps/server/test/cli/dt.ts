import { vi } from 'vitest';
import { runDt } from '../../src/cli/program.ts';

export interface DtRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `dt` as the shell would, in this process. */
export async function dt(...args: string[]): Promise<DtRun> {
  const written = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi
      .spyOn(process[stream], 'write')
      .mockImplementation((text, ...rest: (BufferEncoding | (() => void) | undefined)[]) => {
        written[stream] += String(text);
        // Who waits until its text is out is told.
        const told = rest.find((part) => typeof part === 'function');
        if (told !== undefined) queueMicrotask(told);
        return true;
      }),
  );
  try {
    await runDt(args);
    return { code: Number(process.exitCode ?? 0), ...written };
  } finally {
    process.exitCode = undefined;
    for (const spy of spies) spy.mockRestore();
  }
}
