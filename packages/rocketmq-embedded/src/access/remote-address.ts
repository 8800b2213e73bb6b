/** Whether an address is one of those meant. */
export type AddressPattern = (ip: string) => boolean;

const ANY = new Set(['*', '*.*.*.*', '*:*:*:*:*:*:*:*']);

/**
 * Reads a white address: `192.168.1.7`, several with commas between them, `192.168.1.{7,9}`, `192.168.1.*`,
 * `192.168.1.10-20`, `192.168.*.*`, `*`; IPv6 in the same ways (`2001:db8::*` has the whole last group).
 *
 * @throws RangeError for a text that is none of these
 */
export function addressPattern(text: string): AddressPattern {
  const trimmed = text.trim();
  if (ANY.has(trimmed)) return () => true;
  const choices = /^(.*[.:])\{([^{}]+)\}$/.exec(trimmed);
  const texts =
    choices === null
      ? trimmed.split(',')
      : (choices[2] ?? '').split(',').map((part) => `${choices[1]}${part.trim()}`);
  const patterns = texts.map((one) => onePattern(one.trim()));
  return (ip) => patterns.some((pattern) => pattern(ip));
}

function onePattern(text: string): AddressPattern {
  const wanted = partsOf(text);
  if (wanted === undefined)
    throw new RangeError(`${JSON.stringify(text)} is not an address or a range of addresses`);
  const ranges = wanted.parts.map((part) => rangeOf(part, wanted.radix, text));
  return (ip) => {
    const given = partsOf(ip);
    if (given === undefined || given.radix !== wanted.radix) return false;
    return ranges.every(([low, high], i) => {
      const value = parseInt(given.parts[i] ?? '', given.radix);
      return value >= low && value <= high;
    });
  };
}

/** The 4 decimal or 8 hexadecimal parts of an address, or of a pattern of addresses; `::` filled up. */
function partsOf(text: string): { parts: string[]; radix: 10 | 16 } | undefined {
  if (!text.includes(':')) {
    const parts = text.split('.');
    return parts.length === 4 ? { parts, radix: 10 } : undefined;
  }
  const [head = '', tail, ...more] = text.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const missing = 8 - before.length - after.length;
  if (more.length > 0 || (tail === undefined ? missing !== 0 : missing < 1)) return undefined;
  return { parts: [...before, ...new Array<string>(missing).fill('0'), ...after], radix: 16 };
}

function rangeOf(part: string, radix: 10 | 16, text: string): [number, number] {
  const highest = radix === 10 ? 255 : 0xffff;
  if (part === '*') return [0, highest];
  const digits = radix === 10 ? /^(\d{1,3})(?:-(\d{1,3}))?$/ : /^([0-9a-fA-F]{1,4})(?:-([0-9a-fA-F]{1,4}))?$/;
  const [, first = '', last = first] = digits.exec(part) ?? [];
  const [low, high] = [parseInt(first, radix), parseInt(last, radix)];
  if (!(low <= high && high <= highest))
    throw new RangeError(`${JSON.stringify(text)} is not an address or a range of addresses`);
  return [low, high];
}
