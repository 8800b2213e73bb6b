const BAR_WIDTH = 24;

/** How much of something is done, in 24 characters. */
export function bar(done: number, of: number): string {
  const filled = of === 0 ? BAR_WIDTH : Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / of));
  return '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
}
