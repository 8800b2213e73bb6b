import { expect, it } from 'vitest';
import { Output } from '../../src/output/index.ts';
import { fakeTerminal } from '../support/screen.ts';

const never = new AbortController().signal;

it('keeps results and everything else apart', () => {
  const { terminal, stdout, stderr } = fakeTerminal();
  const out = new Output(terminal, true);
  out.record({ a: 1 });
  out.document([1]);
  out.note('by the way');
  out.progress('1 of 2');
  out.close();
  expect(stdout()).toBe('{"a":1}\n[\n  1\n]\n');
  expect(stderr()).toBe('by the way\n');
});

it('draws progress for people only, and takes it away before a line comes', () => {
  const { terminal, stdout, stderr } = fakeTerminal({ isTTY: true });
  const out = new Output(terminal, false);
  out.progress('1 of 2');
  out.progress('2 of 2');
  out.line('result');
  out.close();
  expect(stdout()).toBe('result\n');
  // The second came too soon to be drawn.
  expect(stderr()).toBe('\r\u001b[K1 of 2\r\u001b[K');
});

it.each([
  ['y', true],
  ['YES', true],
  ['', false],
  ['no', false],
  ['yesterday', false],
])('takes %j for %s', async (answer, meaning) => {
  const { terminal, stdin, stderr } = fakeTerminal({ isTTY: true });
  const out = new Output(terminal, false);
  expect(out.canAsk).toBe(true);
  const asked = out.confirm('Delete it?', never);
  stdin.write(`${answer}\n`);
  expect(await asked).toBe(meaning);
  expect(stderr()).toContain('Delete it? [y/N]');
});

it('takes the end of all answers for a no', async () => {
  const { terminal, stdin } = fakeTerminal({ isTTY: true });
  const asked = new Output(terminal, false).confirm('Delete it?', never);
  stdin.write('\u0004');
  expect(await asked).toBe(false);
});

it('ends with the command when that is interrupted at a question', async () => {
  const { terminal, stdin } = fakeTerminal({ isTTY: true });
  const interrupt = new AbortController();
  process.once('SIGINT', () => interrupt.abort());
  const asked = new Output(terminal, false).confirm('Delete it?', interrupt.signal);
  stdin.write('\u0003');
  await expect(asked).rejects.toThrow(/abort/);
});

it('can ask nobody without a terminal', () => {
  expect(new Output(fakeTerminal().terminal, false).canAsk).toBe(false);
});
