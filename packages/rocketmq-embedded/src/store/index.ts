export type { Appended, FlushMode } from './commit-log.ts';
export type { OnDamage } from './damage.ts';
export { FolderLock } from './folder-lock.ts';
export { JsonFile } from './json-file.ts';
export { indexedProperties } from './message-keys.ts';
export { MessageStore, type BoundaryType, type KeyQuery, type MessageStoreOptions } from './message-store.ts';
export type { StoreQueue } from './queue.ts';
export type { ReadLimits, ReadResult, ReadStatus } from './reader.ts';
export type { NewMessage } from './record.ts';
