export * from './errors.ts';
export { createGame, type GameOptions } from './game.ts';
export { ROUND_STATUS } from './life.ts';
export type * from './types.ts';
