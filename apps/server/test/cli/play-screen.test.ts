import { describe, expect, it } from 'vitest';
import { PlayScreen } from '../../src/cli/play-screen.ts';
import { CallError } from '../../src/play/index.ts';

function screen(isTTY: boolean): { screen: PlayScreen; text: () => string } {
  let text = '';
  const stream = { isTTY, write: (more: string) => (text += more) };
  return { screen: new PlayScreen({ stream: stream as unknown as NodeJS.WriteStream }), text: () => text };
}

describe('the progress of dt play', () => {
  it('is a bar that is redrawn in place on a terminal and gone before the next line', () => {
    const { screen: tty, text } = screen(true);
    tty.progress({ phase: 'betting', round: 2, done: 12, of: 24 });
    tty.progress({ phase: 'betting', round: 2, done: 24, of: 24 });
    tty.retrying(new CallError('gone', { failure: 'transport' }), 1);
    tty.close();
    expect(text()).toBe(
      '\r\x1b[K████████████░░░░░░░░░░░░ round 2: bets 12/24' +
        '\r\x1b[K████████████████████████ round 2: bets 24/24' +
        '\r\x1b[Kretrying (attempt 1): gone\n',
    );
  });

  it('is left out where lines are kept', () => {
    const { screen: pipe, text } = screen(false);
    pipe.progress({ phase: 'funding', done: 1, of: 2 });
    pipe.close();
    expect(text()).toBe('');
  });

  it('names retries at most once a second', () => {
    const { screen: pipe, text } = screen(false);
    for (let attempt = 1; attempt <= 50; attempt++) {
      pipe.retrying(new CallError('gone', { failure: 'transport' }), attempt);
    }
    expect(text()).toBe('retrying (attempt 1): gone\n');
  });
});
