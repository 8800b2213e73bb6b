// What the operating system says of processes; `undefined` where there is no /proc.
import { readdirSync, readFileSync } from 'node:fs';

const CLOCK_TICKS = 100;

/** CPU seconds a process has used so far. */
export function cpuSecondsOf(pid) {
  const fields = statOf(pid);
  return fields && sum(fields, 11, 12) / CLOCK_TICKS;
}

/** CPU seconds of a process and its children, those that have ended among them: a PostgreSQL with its backends. */
export function cpuSecondsOfFamily(pid) {
  const parent = statOf(pid);
  if (parent === undefined) return undefined;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf)
    .filter((fields) => fields?.[1] === String(pid));
  return (
    [sum(parent, 11, 14), ...children.map((fields) => sum(fields, 11, 12))].reduce((a, b) => a + b) /
    CLOCK_TICKS
  );
}

/** Resident bytes of a process, without the files it has mapped. */
export function memoryOf(pid) {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(proc(pid, 'status') ?? '');
  return match ? Number(match[1]) * 1024 : undefined;
}

/** The fields after the name, which may hold blanks: 1 the parent, 11 to 14 time as user and system, own and of ended children. */
function statOf(pid) {
  const stat = proc(pid, 'stat');
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function sum(fields, from, to) {
  return fields.slice(from, to + 1).reduce((total, ticks) => total + Number(ticks), 0);
}

function proc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return undefined;
  }
}
