import type { Command } from 'commander';
import type { BoxWords } from './box.ts';
import { listCommand } from './list.ts';
import { replayCommand } from './replay.ts';
import { showCommand } from './show.ts';
import { summaryCommand } from './summary.ts';

export { inboxWords, outboxWords } from './box.ts';
export { skipCommand } from './skip.ts';

/** What `dt outbox` and `dt inbox` have in common. */
export function letterCommands(words: BoxWords): Command[] {
  return [listCommand(words), summaryCommand(words), showCommand(words), replayCommand(words)];
}
