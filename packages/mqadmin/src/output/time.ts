function digits(value: number, width = 2): string {
  return String(value).padStart(width, '0');
}

function parts(timestamp: number): { date: string; time: string; milliseconds: string } {
  const at = new Date(timestamp);
  return {
    date: `${at.getFullYear()}-${digits(at.getMonth() + 1)}-${digits(at.getDate())}`,
    time: `${digits(at.getHours())}:${digits(at.getMinutes())}:${digits(at.getSeconds())}`,
    milliseconds: digits(at.getMilliseconds(), 3),
  };
}

/** `2026-01-31 18:00:00` in local time. */
export function formatSeconds(timestamp: number): string {
  const { date, time } = parts(timestamp);
  return `${date} ${time}`;
}

/** `2026-01-31 18:00:00,000` in local time. */
export function formatMilliseconds(timestamp: number): string {
  return `${formatSeconds(timestamp)},${parts(timestamp).milliseconds}`;
}

/** Milliseconds since 1970 of such a number or of `yyyy-MM-dd#HH:mm:ss:SSS` in local time; undefined for others. */
export function parseTime(value: string): number | undefined {
  if (/^\d{1,15}$/.test(value)) return Number(value);
  const match = /^(\d{4})-(\d\d)-(\d\d)#(\d\d):(\d\d):(\d\d):(\d{3})$/.exec(value);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millisecond] = match
    .slice(1)
    .map(Number);
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const at = new Date(year, month - 1, day, hour, minute, second, millisecond);
  // What does not exist, as the 31st of June, comes out as another day.
  return at.getMonth() === month - 1 && at.getDate() === day ? at.getTime() : undefined;
}
