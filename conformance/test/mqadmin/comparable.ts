/** What differs between two runs and means nothing, each as a word of its own. */
const masks: readonly [RegExp, string][] = [
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:,\d{3})?/g, 'TIME'],
  [/[\w.-]+@\d+#\S+/g, 'CLIENT'],
  [/\b[0-9A-F]{32}(?:[0-9A-F]{24})?\b/g, 'ID'],
  [/(?:\d{1,3}\.){3}\d{1,3}:\d+/g, 'ADDRESS'],
  [/\b1\d{12}\b/g, 'MS'],
];

/** The lines of an output as lists of their columns, masked; blank lines and the widths of columns do not count. */
export function comparable(output: string, names: Readonly<Record<string, string>> = {}): string[][] {
  const named = Object.entries(names)
    .filter(([, name]) => name !== '')
    .reduce((text, [word, name]) => text.replaceAll(name, word), output);
  const masked = masks.reduce((text, [pattern, word]) => text.replaceAll(pattern, word), named);
  return masked
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/\s+/));
}

/** The same, in an order of its own: Java prints many things in the order of a hash. */
export function comparableSet(output: string, names?: Readonly<Record<string, string>>): string[] {
  return comparable(output, names)
    .map((columns) => columns.join(' | '))
    .sort();
}

/** A map as Java shows one, `{a=1, b=2}`, without its order. */
export function mapEntries(text: string): string[] {
  return text
    .replace(/^\{|\}$/g, '')
    .split(', ')
    .sort();
}
