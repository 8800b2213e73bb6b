/** A place in a text, both from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

export function positionAt(text: string, offset: number): TextPosition {
  const before = text.slice(0, offset);
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}

class Stop extends Error {
  readonly offset: number;
  constructor(offset: number, expected: string) {
    super(expected);
    this.offset = offset;
  }
}

/**
 * Where and why a text is not JSON; undefined when it is. The message of `JSON.parse` does not always give the
 * place, and it quotes the text around it, which may be a secret.
 */
export function findJsonFault(text: string): { offset: number; reason: string } | undefined {
  try {
    const end = skipBlanks(text, readValue(text, skipBlanks(text, 0), 0));
    if (end < text.length) throw new Stop(end, 'nothing may follow the value');
    return undefined;
  } catch (error) {
    if (error instanceof Stop) return { offset: error.offset, reason: error.message };
    throw error;
  }
}

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
// eslint-disable-next-line no-control-regex -- control characters are what JSON strings may not hold
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
const word = /true|false|null/y;
const blanks = /[ \t\r\n]*/y;

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function skipBlanks(text: string, at: number): number {
  return match(blanks, text, at) ?? at;
}

function readValue(text: string, at: number, depth: number): number {
  if (depth > 200) throw new Stop(at, 'nested too deeply');
  const first = text[at];
  if (first === undefined) throw new Stop(at, 'the text ends where a value is expected');
  if (first === '{') return readList(text, at, '}', (from) => readMember(text, from, depth));
  if (first === '[') return readList(text, at, ']', (from) => readValue(text, from, depth + 1));
  if (first === '"') return readString(text, at);
  const end = match(number, text, at) ?? match(word, text, at);
  if (end === undefined) throw new Stop(at, 'a value is expected here');
  return end;
}

function readString(text: string, at: number): number {
  const end = match(string, text, at);
  if (end === undefined)
    throw new Stop(at, 'a text that starts here is not closed, or holds a bad character or escape');
  return end;
}

function readMember(text: string, at: number, depth: number): number {
  if (text[at] !== '"') throw new Stop(at, 'a name in double quotes is expected here');
  const colon = skipBlanks(text, readString(text, at));
  if (text[colon] !== ':') throw new Stop(colon, 'a colon is expected here');
  return readValue(text, skipBlanks(text, colon + 1), depth + 1);
}

function readList(text: string, open: number, close: string, readItem: (at: number) => number): number {
  let at = skipBlanks(text, open + 1);
  if (text[at] === close) return at + 1;
  for (;;) {
    at = skipBlanks(text, readItem(at));
    if (text[at] === close) return at + 1;
    if (text[at] !== ',') throw new Stop(at, `a comma or ${close} is expected here`);
    at = skipBlanks(text, at + 1);
    if (text[at] === close) throw new Stop(at, `a comma may not stand before ${close}`);
  }
}
