export { runMqadmin, type RunOptions } from './run.ts';
export type { ConnectionDefaults } from './connect.ts';
export { nearestName } from './nearest.ts';
export { Output, type Terminal } from './output/index.ts';
