export { Columns, type Column } from './columns.ts';
export { Output, type Terminal } from './output.ts';
export { formatMilliseconds, formatSeconds, parseTime } from './time.ts';
