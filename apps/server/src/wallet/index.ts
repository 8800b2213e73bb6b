export * from './errors.ts';
export * from './money.ts';
export type * from './types.ts';
