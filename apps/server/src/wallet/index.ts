export { accountId } from './accounts.ts';
export * from './errors.ts';
export * from './money.ts';
export { checkText, storableText } from './text.ts';
export type * from './types.ts';
export { createWallet, DEMO_PLAYER, seedDemoPlayer, type WalletOptions } from './wallet.ts';
