export {
  batchEntryBytes,
  decodeBatchBody,
  encodeBatchBody,
  type BatchEntry,
  type BatchEntryInput,
} from './batch-body.ts';
export { decodeIp, encodeIp, isIpv6, type Host } from './host.ts';
export { javaStringHashCode, queueIndexByHash } from './java-string-hash.ts';
export * from './names.ts';
export { decodeOffsetMessageId, encodeOffsetMessageId, type OffsetMessageId } from './offset-message-id.ts';
export {
  decodeProperties,
  encodeProperties,
  encodeProperty,
  isReservedProperty,
  MAX_PROPERTIES_BYTES,
  MessageProperty,
  type MessageProperties,
} from './properties.ts';
export {
  bodyCrc32,
  decodeStoredMessage,
  decodeStoredMessages,
  encodeStoredMessage,
  type StoredMessage,
  type StoredMessageInput,
} from './stored-message.ts';
export {
  bodyCompression,
  isReadable,
  isWritable,
  MessageSysFlag,
  Permission,
  PullSysFlag,
  type BodyCompression,
} from './sys-flag.ts';
export { createUniqueKeyFactory, type UniqueKeyOptions } from './unique-key.ts';
export {
  type ConsumedTrace,
  type TraceConsumeResult,
  type ConsumeTrace,
  encodeMessageTrace,
  type MessageTrace,
  type PublishTrace,
  TRACE_TOPIC,
  type TraceMessageType,
} from './message-trace.ts';
export { withNamespace, withoutNamespace } from './namespace.ts';
