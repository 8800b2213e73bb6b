/**
 * One measured figure.
 * @typedef {object} Result
 * @property {string} work what was done
 * @property {number} value
 * @property {string} unit of value and baseline
 * @property {number} baseline the same work done the plain way, in the same run
 * @property {string} against what the plain way is
 * @property {'more' | 'less'} better
 * @property {{ text: string, isMet: (value: number, ratio: number) => boolean }} [bar] what it is to reach
 */

/** Three figures that count, whatever the size. */
const shown = (value) =>
  value >= 100 ? Math.round(value).toLocaleString('en-US') : Number(value.toPrecision(3)).toString();

/** @param {Result[]} results */
export function formatResults(results) {
  const bars = results.some(({ bar }) => bar !== undefined);
  const rows = results.map(({ work, value, unit, baseline, against, better, bar }) => [
    work,
    `${shown(value)} ${unit}`,
    `${shown(baseline)} ${unit}`,
    `${shown(value / baseline)} (${better} is better)`,
    ...(bars ? [bar ? `${bar.isMet(value, value / baseline) ? 'met' : 'MISSED'}: ${bar.text}` : ''] : []),
    against,
  ]);
  const table = [['work', 'value', 'baseline', 'ratio', ...(bars ? ['bar'] : []), 'baseline is'], ...rows];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd();
  return [
    line(table[0]),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...table.slice(1).map(line),
  ].join('\n');
}

/** @param {Result[]} results */
export function toJson(name, results) {
  const rounded = (value) => Number(value.toPrecision(6));
  return JSON.stringify({
    name,
    results: results.map(({ work, value, unit, baseline }) => ({
      work,
      value: rounded(value),
      unit,
      baseline: rounded(baseline),
      ratio: rounded(value / baseline),
    })),
  });
}

/** The value below which the given part of the samples lies. */
export function quantile(samples, part) {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

export const mean = (samples) => samples.reduce((sum, sample) => sum + sample, 0) / samples.length;

/** Milliseconds that the work took. */
export async function timed(work) {
  const started = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - started) / 1e6;
}
