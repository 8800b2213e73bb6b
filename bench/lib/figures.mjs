// What is read out of the answers of peers/lib/harness.mjs.
import { mean, quantile } from './report.mjs';

export const rate = ({ messages, seconds }) => messages / seconds;
export const cpuMicros = ({ messages, cpuSeconds }) => (cpuSeconds / messages) * 1e6;

/** The middle one of several rounds; of two their mean. */
export function median(rounds, figure) {
  const values = rounds.map(figure);
  return values.length < 3 ? mean(values) : quantile(values, 0.5);
}

/** One round in a line. */
export function line(figures) {
  if (figures.p50Ms !== undefined)
    return `p50 ${figures.p50Ms.toFixed(3)} ms, p99 ${figures.p99Ms.toFixed(3)} ms`;
  const perSecond = Math.round(rate(figures)).toLocaleString('en-US').padStart(9);
  return `${perSecond}/s, ${cpuMicros(figures).toFixed(2)} us CPU, ${Math.round(figures.rssBytes / 1e6)} MB`;
}
